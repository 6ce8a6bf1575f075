// `stream state query --live`: which instance has a row, as it is told.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "supervisor/plan.h"

namespace stream {

class AttemptRun;

struct LookupRequest {
  std::string stage;
  std::uint32_t instance = 0;
  std::string note;  // JSON
};

// From {"stage", "table", "key", "socket"}. Errors: kUsage for a table that the stage does not keep, or whose rows have
// no place by their keys.
Result<LookupRequest> lookup_request(const JobPlan& plan, std::string_view request);

Status send_lookup(AttemptRun& attempt, const LookupRequest& lookup);

}  // namespace stream
