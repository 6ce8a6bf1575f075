// An instance under a supervisor: from `hello` to `exit`. See stream-checkpoint(7).
#pragma once

#include "stages/kit/stage.h"

namespace stream {

// `control` is "ENDPOINT#STAGE.INSTANCE.ATTEMPT". Returns when the supervisor says exit, or with
// the error that ends the process.
Status run_supervised(const StageProgram& program, const std::string& control);

}  // namespace stream
