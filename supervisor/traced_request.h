// `stream profile`: which process may look into the instances of a stage, as they are told.
#pragma once

#include <cstdint>
#include <string>

#include "transport/base/status.h"

namespace stream {

class AttemptRun;

// `by`, or what it has started. Told are those that know the message.
Status send_traced(AttemptRun& attempt, const std::string& stage, std::uint64_t by);

}  // namespace stream
