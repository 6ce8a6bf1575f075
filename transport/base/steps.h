// Long work that is done step by step, so that somebody else decides where and when each of its steps runs.
#pragma once

#include <functional>

#include "transport/base/status.h"

namespace stream {

// Runs a step to its end and returns what it did.
using RunStep = std::function<Status(const std::function<Status()>& step)>;

inline Status run_here(const std::function<Status()>& step) { return step(); }

}  // namespace stream
