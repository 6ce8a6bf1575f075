// Prepared transactions that a job has left behind and nobody will resolve any more.
#pragma once

#include "stages/kit/option.h"
#include "transport/base/status.h"

namespace stream {

// Does what the option `leftovers` asks, on standard output, and then says kInterrupted: nothing else is to be
// done. OK if it is not given.
Status resolve_leftovers(Values& options);

}  // namespace stream
