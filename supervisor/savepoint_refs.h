// REF: how users name a savepoint: a path, JOB@N, JOB@LABEL or JOB@latest.
#pragma once

#include <string>

#include "transport/base/status.h"

namespace stream {

// The absolute path of the savepoint. Errors: kUsage, saying what there is.
Result<std::string> resolve_savepoint(const std::string& reference);

}  // namespace stream
