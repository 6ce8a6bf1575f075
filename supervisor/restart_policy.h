// RestartPolicy: whether and when a failed job starts again. Pure: counters in, decision out, so
// that they can be kept in the job store and survive the supervisor.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "supervisor/pipeline.h"

namespace stream {

// What has to be remembered between failures, also over a restart of the supervisor.
struct RestartHistory {
  std::uint32_t failures_in_row = 0;    // without a completed checkpoint between them
  std::vector<Microseconds> failed_at;  // wall clock, the newest last; for failure-rate
};

struct RestartAfter {
  Microseconds delay = 0;
};
struct GiveUp {
  std::string why;
};
using RestartDecision = std::variant<RestartAfter, GiveUp>;

// Notes a failure in `history` and decides. `chance` in [0, 1) spreads the delays.
RestartDecision on_failure(const RestartSpec& spec, RestartHistory& history, Microseconds now_wall, double chance);

// A checkpoint was completed: the job works.
void on_progress(RestartHistory& history);

}  // namespace stream
