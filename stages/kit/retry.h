// Trying again what a server has not done, on a thread that may wait for it.
#pragma once

#include <functional>

#include "stages/kit/patience.h"
#include "stages/kit/trouble.h"

namespace stream {

// Calls `attempt` until it has succeeded, or `patience` is over, or the process ends; returns what it said last.
// `pause`: between two tries, asked for each.
Status retry(Trouble& trouble, const Clock& clock, Patience patience, const std::function<Status()>& attempt,
             const std::function<Microseconds()>& pause);
Status retry(Trouble& trouble, const Clock& clock, Patience patience, const std::function<Status()>& attempt);

}  // namespace stream
