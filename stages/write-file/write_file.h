// The sink behind stream-write-file: OneFile or Parts, as the path says.
#pragma once

#include "stages/kit/stage.h"
#include "transport/base/files.h"

namespace stream {

Result<std::unique_ptr<Sink>> make_write_file(Context& context);
// The same over other files; tests fail them.
Result<std::unique_ptr<Sink>> make_write_file(Context& context, Files& files);

}  // namespace stream
