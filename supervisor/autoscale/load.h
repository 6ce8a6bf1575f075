// What the stages of a job do, from what their instances have counted over some time. Pure.
//
//   busy         share of the time the busiest instance neither waits for input nor is held back by who comes behind it
//   true rate    rows a second all instances could take: what they take now / busy
//   demand       rows a second that come in. Of a source: what it reads and what its backlog grows by; a source that
//                cannot tell what waits could read as much more as it was held back. Of others: what they are sent
//                now, grown as the demand on those they read from is more than these take now
//   catch-up     rows a second more that would have the backlog worked off in time
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "supervisor/autoscale/settings.h"

namespace stream::autoscale {

struct StageFacts {
  std::string name = {};
  bool source = false;
  std::uint32_t parallelism = 1;
  std::uint32_t least = 0;       // bounds; both 0: its number is fixed
  std::uint32_t most = 0;        //
  std::uint32_t key_groups = 0;  // among which its rows are divided; 0 = row by row
};

struct Edge {
  std::size_t from = 0;
  std::size_t to = 0;
};

struct Graph {
  std::vector<StageFacts> stages = {};
  std::vector<Edge> edges = {};
  std::vector<std::size_t> order = {};  // sources first
};

// Counters of an instance since it began.
struct InstanceCount {
  std::uint64_t records_in = 0;
  std::uint64_t records_out = 0;
  Microseconds total_us = 0;
  Microseconds idle_us = 0;
  Microseconds backpressured_us = 0;
};

struct StageCount {
  std::vector<InstanceCount> instances = {};
  std::optional<double> backlog = {};  // rows that wait to be read, of a source that can tell
};

struct Sample {
  Microseconds at = 0;  // monotonic
  std::vector<StageCount> stages = {};
};

struct StageLoad {
  bool known = false;  // else there was nothing to measure
  double busy = 0;     // 0 to 1
  double rate = 0;     // rows a second that it takes; of a source: gives
  double out_rate = 0;
  double true_rate = 0;
  double demand = 0;
  double catch_up = 0;
  std::optional<double> backlog = {};  // rows, now
};

// From what was counted between two moments, in which no instance began anew.
std::vector<StageLoad> measure(const Graph& graph, const Sample& first, const Sample& last, const Settings& settings);

}  // namespace stream::autoscale
