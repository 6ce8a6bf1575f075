// `stream tap`: whose rows somebody wants to see, as their instances are told.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "supervisor/plan.h"

namespace stream {

class AttemptRun;

inline constexpr std::size_t kTapsMax = 64;  // of a job

struct TapRequest {
  struct Edge {
    std::size_t stage = 0;  // in the plan
    std::string note;       // JSON
  };
  std::string socket;
  std::vector<Edge> edges;
};

// From {"stage", "output", "where", "socket"}. Of a sink these are the rows that reach it: those of the outputs it
// reads. Errors: kUsage for a stage or output that is not there, naming the nearest.
Result<TapRequest> tap_request(const JobPlan& plan, std::string_view request);

// Whoever asked has not gone: its socket is there and takes connections.
bool somebody_listens(const TapRequest& tap);

Status send_tap(AttemptRun& attempt, const TapRequest& tap);

}  // namespace stream
