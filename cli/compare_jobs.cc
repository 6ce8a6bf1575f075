#include "cli/compare_jobs.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/compare_pipeline.h"
#include "cli/compare_states.h"
#include "cli/job_results.h"
#include "cli/live_comparison.h"
#include "cli/live_screen.h"
#include "cli/process_cpu.h"
#include "cli/run_job.h"
#include "cli/savepoint_refs.h"
#include "cli/table.h"
#include "cli/temporary_folder.h"
#include "supervisor/job_client.h"

namespace stream {
namespace {

using nlohmann::json;

constexpr Microseconds kLookEvery = 1'000'000;
// Results are read again from their beginning: no more than a tenth of the time goes into that.
constexpr Microseconds kShareOfReading = 10;

class JobWatch {
 public:
  JobWatch(JobPaths paths, JobPlan plan) : paths_(std::move(paths)), meter_(run_stages_of(plan), false) {}

  Status look() {
    STREAM_ASSIGN(const json summary, job_summary(paths_));
    const std::string state = summary.value("state", "");
    running_ = state == "RUNNING" || state == "STARTING" || state == "RESTARTING" || state == "STOPPING";
    const auto stats = running_ ? ask_job(paths_, {{"verb", "stats"}}, kQuickAnswer) : Result<json>(json());
    if (stats.ok() && stats->is_object()) meter_.add(*stats, cpu_of_instances(*stats));
    meter_.set_state(state);
    const auto checkpoints = list_of_job(paths_, "checkpoints");
    if (checkpoints.ok()) meter_.add_checkpoints(*checkpoints);
    return {};
  }

  bool running() const { return running_; }
  bool measured() const { return meter_.any(); }
  RunFigures figures() const { return meter_.figures(); }

 private:
  JobPaths paths_;
  RunMeter meter_;
  bool running_ = true;
};

class JobComparison {
 public:
  JobComparison(const VerbValues& values, const CompareSettings& settings, std::array<JobPaths, 2> jobs,
                std::array<JobPlan, 2> plans)
      : settings_(settings),
        time_(values.has("for") ? std::optional(values.duration("for")) : std::nullopt),
        watches_{JobWatch(jobs[0], plans[0]), JobWatch(jobs[1], plans[1])},
        plans_(std::move(plans)) {}

  Status run(CompareReport& report) {
    STREAM_TRY(results_of(plans_, settings_).status());  // what is wrong is said at once
    STREAM_TRY(watch());
    STREAM_ASSIGN(JobResults results, results_of(plans_, settings_));
    for (const auto& [of, what] : results.missing) STREAM_TRY(report.missing(of, what));
    for (ResultPair& pair : results.pairs) {
      STREAM_ASSIGN(const auto comparison, ResultComparison::start(std::move(pair), temporary_folder(), kNetBytesMax));
      STREAM_TRY(comparison->read_on(0).status());
      STREAM_TRY(report.add(*comparison));
    }
    if (any_running()) STREAM_TRY(report.remark("results", "as they are now; a job that runs goes on writing"));
    if (!watches_[0].measured() && !watches_[1].measured()) return {};
    return report.performance(watches_[0].figures(), watches_[1].figures(),
                              "while they were looked at; they share the machine");
  }

 private:
  bool any_running() const { return watches_[0].running() || watches_[1].running(); }

  Status watch() {
    LiveScreen screen(!settings_.print.as_json);
    screen.leave_on_signals();
    const int signals = open_signals();
    const Microseconds began = system_clock().monotonic_us();
    for (;;) {
      for (JobWatch& watch : watches_) STREAM_TRY(watch.look());
      const Microseconds left = time_ ? began + *time_ - system_clock().monotonic_us() : kLookEvery;
      if (!any_running() || left <= 0) return {};
      if (screen.live()) draw(screen);
      if (wait(screen, signals, std::min(left, kLookEvery))) return {};
    }
  }

  // True if the user leaves.
  static bool wait(LiveScreen& screen, int signals, Microseconds time) {
    if (screen.live()) return screen.wait(time) == LiveScreen::Event::kLeave;
    pollfd ready{signals, POLLIN, 0};
    return ::poll(&ready, 1, static_cast<int>(time / 1000)) > 0;
  }

  void draw(LiveScreen& screen) {
    if (system_clock().monotonic_us() >= next_reading_) read_results();
    screen.draw(
        live_lines({watches_[0].figures(), watches_[1].figures()}, so_far_, terminal_width(), terminal_height()));
  }

  // What cannot be read now can be later, and is told of at the end.
  void read_results() {
    const Microseconds began = system_clock().monotonic_us();
    so_far_.clear();
    auto results = results_of(plans_, settings_);
    for (std::size_t i = 0; results.ok() && i < results->pairs.size(); ++i) {
      auto comparison = ResultComparison::start(std::move(results->pairs[i]), temporary_folder(), kNetBytesMax);
      if (comparison.ok() && (*comparison)->read_on(0).ok()) so_far_.push_back(so_far(**comparison));
    }
    const Microseconds now = system_clock().monotonic_us();
    next_reading_ = now + kShareOfReading * (now - began);
  }

  const CompareSettings& settings_;
  std::optional<Microseconds> time_;
  std::array<JobWatch, 2> watches_;
  std::array<JobPlan, 2> plans_;
  std::vector<std::string> so_far_;
  Microseconds next_reading_ = 0;
};

}  // namespace

Status compare_jobs(const std::array<std::string, 2>& names, const VerbValues& values, const CompareSettings& settings,
                    CompareReport& report) {
  STREAM_ASSIGN(JobPaths a, find_job(names[0]));
  STREAM_ASSIGN(JobPaths b, find_job(names[1]));
  if (a.job == b.job)
    return usage_error("A and B are the same job '" + a.job + "'; snapshots of it can be compared: JOB@N");
  STREAM_ASSIGN(JobPlan plan_a, plan_of_job(a));
  STREAM_ASSIGN(JobPlan plan_b, plan_of_job(b));
  STREAM_TRY(JobComparison(values, settings, {std::move(a), std::move(b)}, {std::move(plan_a), std::move(plan_b)})
                 .run(report));
  if (!values.flag("state")) return {};
  STREAM_ASSIGN(const auto state_a, open_snapshot(names[0]));
  STREAM_ASSIGN(const auto state_b, open_snapshot(names[1]));
  return compare_states(*state_a, *state_b, settings, report);
}

}  // namespace stream
