// What is known of a job at one moment, as `stream top` shows it.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "transport/base/clock.h"

namespace stream {

// Rates are per second, shares 0 … 1, sizes bytes. Of a process; of a stage or job: sums, but the largest
// share and the longest lag, which are those of its bottleneck.
struct Load {
  double records_in = 0;
  double records_out = 0;
  double busy = 0;
  double idle = 0;
  double full = 0;  // waiting for room behind it
  double queued = 0;
  double state_rows = 0;
  double state = 0;
  double memory = 0;
  double bad = 0;
  double late = 0;
  std::optional<Microseconds> lag;  // how far event time is behind the clock

  void add(const Load& other);
};

struct InstanceLoad {
  int instance = 0;
  std::int64_t pid = 0;
  bool ended = false;
  Load load;
};

struct StageLoad {
  std::string name;
  std::string role;  // source, operator, sink
  std::vector<InstanceLoad> instances;
  Load load;
};

struct JobLoad {
  std::string name;
  std::string id;
  std::string state;
  std::string reason;
  std::uint64_t attempt = 0;
  std::uint64_t restarts = 0;
  std::uint64_t checkpoint = 0;
  Microseconds checkpoint_took = 0;
  Microseconds started_us = 0;
  bool running = false;  // somebody supervises it
  std::vector<StageLoad> stages;
  Load load;  // in: records out of sources; out: records into sinks

  // Processes of all stages.
  std::size_t processes() const;
  const StageLoad* stage(const std::string& name) const;
};

// From what a running job answers to "stats", or from a summary (see stream-json(7)): then without loads.
JobLoad job_load(const nlohmann::json& stats_or_summary);

}  // namespace stream
