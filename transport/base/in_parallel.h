// in_parallel: the same work for several things at once, waited for here.
#pragma once

#include <cstddef>
#include <functional>

#include "transport/base/status.h"

namespace stream {

// Calls work(0) … work(count - 1), each once, on this thread and up to `threads` - 1 others. After an error nothing
// begins any more; returned is that of the lowest number.
Status in_parallel(std::size_t count, std::size_t threads, const std::function<Status(std::size_t)>& work);

// As many as there are cores to run them on, within reason.
std::size_t threads_here();

}  // namespace stream
