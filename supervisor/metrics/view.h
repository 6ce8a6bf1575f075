// MetricsView: what the supervisor of a job knows of it at one moment, as plain data.
//
// It is copied out of the supervisor's thread, a few hundred bytes an instance, and read by others: nothing in it
// points anywhere.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "transport/base/clock.h"
#include "transport/base/histogram.h"
#include "transport/control_messages.h"

namespace stream::metrics {

enum class Role : std::uint8_t { kSource, kOperator, kSink };

struct StageView {
  std::string name;
  std::string id;  // 32 hex digits
  Role role = Role::kOperator;
  std::uint64_t memory_bytes = 0;  // bound of one instance
};

// Where the time of an instance's newest snapshot went.
struct SnapshotTimes {
  std::uint64_t epoch = 0;
  Microseconds start_delay_us = 0;  // until the first barrier was there
  Microseconds alignment_us = 0;
  Microseconds pause_us = 0;
  Microseconds async_us = 0;
};

struct InstanceView {
  std::size_t stage = 0;
  std::uint32_t index = 0;
  std::uint64_t attempt = 0;
  bool running = false;
  std::string host = {};     // another one than the supervisor's; "" = that
  std::string host_id = {};  // 32 hex digits
  InstanceStats stats;
  InstanceStats earlier;  // about a second before
  std::optional<SnapshotTimes> snapshot;
  HistogramValue latency_ms;  // of marks; count 0: none has come
};

// What the job is busy with, in Flink's words.
enum class Activity : std::uint8_t { kInitializing, kRunning, kRestarting };
inline constexpr std::size_t kActivities = 3;

struct LastCheckpoint {
  std::uint64_t id = 0;
  Microseconds triggered_us = 0;
  Microseconds ended_us = 0;
  std::uint64_t bytes = 0;        // written for it
  std::uint64_t full_bytes = 0;   // with all that it builds on
  Microseconds alignment_us = 0;  // the longest of an instance
  Microseconds pause_us = 0;
};

// Something that took time and is over.
struct Span {
  std::uint64_t number = 0;  // rises
  std::string name;          // "Checkpoint", "Recovery"
  Microseconds from_us = 0;
  Microseconds to_us = 0;
  bool failed = false;
  std::vector<std::pair<std::string, std::string>> attributes;
};

// Something that has happened, as `stream events` shows it.
struct EventView {
  std::uint64_t number = 0;  // rises
  Microseconds at_us = 0;
  std::string kind;
  std::string text;
};

// Counts of a job that no report of an instance holds; see tally.h.
struct JobTotals {
  Activity activity = Activity::kInitializing;
  Microseconds activity_us = 0;  // for so long
  Microseconds total_us[kActivities] = {0, 0, 0};
  std::uint64_t triggered = 0;
  std::uint64_t completed = 0;
  std::uint64_t failed = 0;
  bool in_progress = false;
  std::optional<LastCheckpoint> last;
  Microseconds restored_us = 0;  // wall; 0 = the run did not begin with state
  HistogramValue duration_ms;    // of checkpoints
  HistogramValue alignment_ms;
  HistogramValue pause_ms;
  std::vector<Span> spans;        // the newest
  std::vector<EventView> events;  // likewise
};

struct ReporterView {
  std::string name;
  std::uint64_t reports = 0;
  std::uint64_t failures = 0;
};

// Of the machine; see host.h.
struct HostView {
  double cpu_share = -1;  // 0 to 1, of all processors; -1 = not known yet
  double load[3] = {0, 0, 0};
  std::uint64_t memory_available = 0;
  std::uint64_t memory_total = 0;
  std::uint64_t swap_used = 0;
  std::uint64_t swap_total = 0;
};

// Of one process, or the sum of several.
struct ProcessView {
  double cpu_share = -1;  // processors, 1 = all of one; -1 = not known yet
  Microseconds cpu_us = 0;
  std::uint64_t resident_bytes = 0;
  std::uint64_t threads = 0;
};

struct MetricsView {
  Microseconds at_us = 0;  // wall clock
  std::string host;
  std::string host_id;  // 32 hex digits
  std::string job;
  std::string job_id;
  std::uint64_t restarts = 0;
  std::vector<StageView> stages;
  std::vector<InstanceView> instances;
  JobTotals totals;
  // Filled in by who reports:
  HostView machine;
  ProcessView supervisor;
  std::vector<ReporterView> reporters;
};

}  // namespace stream::metrics
