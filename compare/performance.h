// How fast two runs are and what they take, from what their supervisors say about them. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "transport/base/clock.h"

namespace stream {

// The stages that matter to figures, by name.
struct RunStages {
  std::set<std::string> sources = {};
  std::set<std::string> sinks = {};
};

struct RunFigures {
  std::string state = {};                   // "RUNNING", …
  Microseconds elapsed_us = 0;              // that were looked at
  std::uint64_t records = 0;                // that sources have sent meanwhile, behind filters that they apply
  std::optional<Microseconds> cpu_us = {};  // of all processes of stages meanwhile
  std::uint64_t memory_bytes = 0;           // most at a time, of all processes
  std::uint64_t state_rows = 0;             // the same
  std::uint64_t state_bytes = 0;
  std::uint64_t bad_records = 0;  // since the newest start
  std::uint64_t late_records = 0;
  std::uint64_t restarts = 0;
  std::uint64_t checkpoints = 0;  // complete
  // Of checkpoints: how long they take, and how long a barrier is on its way to the last sink, as rows before it are.
  std::optional<Microseconds> checkpoint_us = {};  // median
  std::optional<Microseconds> checkpoint_max_us = {};
  std::optional<Microseconds> latency_us = {};  // median
  std::optional<Microseconds> latency_max_us = {};

  std::optional<double> rate() const;           // records a second
  std::optional<double> rate_per_core() const;  // records a second of CPU
};

// Figures of a run, from samples of `stats --json`, oldest first.
class RunMeter {
 public:
  // `from_start`: the run began with the first sample; else only what comes behind it counts.
  RunMeter(RunStages stages, bool from_start) : stages_(std::move(stages)), from_start_(from_start) {}

  // `cpu_us`: by process, since it was started.
  void add(const nlohmann::json& stats, const std::map<int, Microseconds>& cpu_us);
  // The CPU of all processes there were, where somebody knows it.
  void set_cpu(Microseconds cpu_us) { total_cpu_us_ = cpu_us; }
  // As `checkpoint --list --json` prints them; samples tell only of the newest.
  void add_checkpoints(const nlohmann::json& list);
  void set_state(std::string state) { figures_.state = std::move(state); }

  RunFigures figures() const;
  bool any() const { return samples_ > 0; }

 private:
  struct Process {
    Microseconds first_us;
    Microseconds last_us;
  };
  RunStages stages_;
  bool from_start_;
  struct Checkpoint {
    Microseconds duration_us;
    std::optional<Microseconds> latency_us;
  };
  void take(const nlohmann::json& checkpoint);

  std::size_t samples_ = 0;
  RunFigures figures_;
  std::map<std::uint64_t, Checkpoint> checkpoints_;  // complete ones, by epoch
  std::uint64_t attempt_ = 0;
  Microseconds first_running_us_ = 0;
  Microseconds running_us_ = 0;  // of the newest attempt
  std::uint64_t first_records_ = 0;
  std::uint64_t records_ = 0;
  std::uint64_t earlier_records_ = 0;    // of attempts before
  Microseconds earlier_running_us_ = 0;  // the same
  std::map<int, Process> processes_;
  std::optional<Microseconds> total_cpu_us_;
};

// Cells of a table: what, A, B, B/A. What neither side has is left out.
std::vector<std::array<std::string, 4>> performance_rows(const RunFigures& a, const RunFigures& b);
nlohmann::ordered_json to_json(const RunFigures& figures);

}  // namespace stream
