#include "cli/compare_runs.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "cli/compare_keeper.h"
#include "cli/compare_plans.h"
#include "cli/compare_states.h"
#include "cli/live_comparison.h"
#include "cli/live_screen.h"
#include "cli/run_job.h"
#include "cli/table.h"
#include "cli/temporary_folder.h"
#include "transport/base/text.h"

namespace stream {
namespace {

using nlohmann::json;

constexpr Microseconds kReadingTime = 200'000;  // of results, before what the runs say is looked at again
constexpr int kLookMilliseconds = 250;

// What one run says.
class RunListener {
 public:
  RunListener(Side side, RunStages stages, int fd) : side_(side), fd_(fd), meter_(std::move(stages), true) {}

  int descriptor() const { return over() ? -1 : fd_; }
  bool over() const { return ended_; }
  bool finished() const { return state_ == "FINISHED"; }
  RunFigures figures() const { return meter_.figures(); }

  // Takes in what has come. Errors: kUsage or kFailed if the run could not begin.
  Status listen() {
    char chunk[16384];
    for (ssize_t n = 0; (n = ::read(fd_, chunk, sizeof chunk)) != 0;) {
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return {};
      pending_.append(chunk, static_cast<std::size_t>(n));
      for (std::size_t end = 0; (end = pending_.find('\n')) != std::string::npos; pending_.erase(0, end + 1))
        STREAM_TRY(hear(json::parse(pending_.substr(0, end), nullptr, false)));
    }
    ended_ = true;
    return {};
  }

  // That it came to an end it should come to.
  Status outcome() const {
    if (state_.empty()) return failed(std::string(name_of(side_)) + " was killed");
    if (state_ == "FAILED") return failed(std::string(name_of(side_)) + " has failed: " + reason_);
    return {};
  }

 private:
  Status hear(const json& line) {
    if (!line.is_object()) return {};
    if (line.contains("refused")) {
      const std::string what = std::string(name_of(side_)) + ": " + line.value("refused", "");
      return line.value("usage", false) ? usage_error(what) : failed(what);
    }
    if (line.contains("say")) std::fprintf(stderr, "%s: %s\n", name_of(side_), line.value("say", "").c_str());
    if (line.contains("stats")) {
      std::map<int, Microseconds> cpu;
      for (const auto& [pid, us] : line["cpu_us"].items()) cpu[std::stoi(pid)] = us.get<Microseconds>();
      meter_.add(line["stats"], cpu);
    }
    if (line.contains("over")) end(line);
    return {};
  }

  void end(const json& line) {
    state_ = line.value("over", "");
    reason_ = line.value("reason", "");
    meter_.set_state(state_);
    if (line.contains("cpu_us")) meter_.set_cpu(line["cpu_us"].get<Microseconds>());
    if (line.contains("checkpoints")) meter_.add_checkpoints(line["checkpoints"]);
  }

  Side side_;
  int fd_;
  RunMeter meter_;
  std::string pending_;
  bool ended_ = false;
  std::string state_;
  std::string reason_;
};

class RunComparison {
 public:
  RunComparison(const VerbValues& values, const CompareSettings& settings, PlannedRuns runs, const std::string& folder)
      : settings_(settings),
        state_(values.flag("state")),
        one_by_one_(values.flag("one-after-the-other")),
        quiet_(values.flag("json")),
        time_(values.has("for") ? std::optional(values.duration("for")) : std::nullopt),
        runs_(std::move(runs)),
        folder_(folder) {}

  Status run(CompareReport& report) {
    for (ResultPair& pair : runs_.pairs) {
      STREAM_ASSIGN(auto comparison, ResultComparison::start(std::move(pair), temporary_folder(), kNetBytesMax));
      comparisons_.push_back(std::move(comparison));
    }
    signals_ = open_signals();
    STREAM_ASSIGN(keeper_, CompareKeeper::start({std::move(runs_.requests), folder_, !one_by_one_}));
    for (const Side side : kSides) listeners_.emplace_back(side, runs_.stages[index_of(side)], keeper_->reports(side));
    STREAM_TRY(watch());
    for (const RunListener& listener : listeners_) STREAM_TRY(listener.outcome());
    for (const auto& comparison : comparisons_) {
      STREAM_TRY(comparison->read_on(0).status());
      STREAM_TRY(report.add(*comparison));
    }
    if (state_) STREAM_TRY(compare_newest_states(report));
    return tell_performance(report);
  }

 private:
  Status compare_newest_states(CompareReport& report) const {
    STREAM_ASSIGN(const auto a, newest_state(folder_ + "/home/a/checkpoints"));
    STREAM_ASSIGN(const auto b, newest_state(folder_ + "/home/b/checkpoints"));
    return compare_states(*a, *b, settings_, report);
  }

  // By the positions of their sources in the last checkpoints.
  Result<bool> read_the_same() const {
    STREAM_ASSIGN(const auto a, newest_state(folder_ + "/home/a/checkpoints"));
    STREAM_ASSIGN(const auto b, newest_state(folder_ + "/home/b/checkpoints"));
    return same_positions(*a, *b, runs_.stages[0].sources);
  }

  Status watch() {
    LiveScreen screen(!quiet_);
    screen.leave_on_signals();
    began_ = system_clock().monotonic_us();
    while (!all_over()) {
      STREAM_TRY(screen.live() ? wait_live(screen) : wait());
      for (RunListener& listener : listeners_) {
        if (!listener.over()) STREAM_TRY(listener.listen());
      }
      STREAM_TRY(read_results());
      look_at_time();
      if (one_by_one_ && !second_started_ && listeners_[0].over()) start_second();
    }
    return {};
  }

  bool all_over() const { return listeners_[1].over() && listeners_[0].over(); }

  void start_second() {
    if (stopped_ && !timed_out_) return;  // by the user; B ends with what was said to it
    second_started_ = true;
    stopped_ = timed_out_ = false;
    began_ = system_clock().monotonic_us();
    keeper_->start_second();
  }

  Status wait_live(LiveScreen& screen) {
    std::vector<std::string> results;
    for (const auto& comparison : comparisons_) results.push_back(so_far(*comparison));
    screen.draw(live_lines({listeners_[0].figures(), listeners_[1].figures()}, std::move(results), terminal_width(),
                           terminal_height()));
    return screen.wait(kLookMilliseconds * 1000) == LiveScreen::Event::kLeave ? interrupt() : Status();
  }

  // Until a run says something, a signal comes, or there is a result to look at again.
  Status wait() {
    std::array<pollfd, 3> ready = {
        {{signals_, POLLIN, 0}, {listeners_[0].descriptor(), POLLIN, 0}, {listeners_[1].descriptor(), POLLIN, 0}}};
    ::poll(ready.data(), ready.size(), kLookMilliseconds);
    return (ready[0].revents & POLLIN) != 0 && take_signal() ? interrupt() : Status();
  }

  bool take_signal() const {
    signalfd_siginfo got{};
    return ::read(signals_, &got, sizeof got) == sizeof got && got.ssi_signo != SIGWINCH;
  }

  // The first time both are stopped, and what they have made is compared.
  Status interrupt() {
    if (stopped_ && !timed_out_) return {Code::kInterrupted, "interrupted before both had stopped"};
    if (one_by_one_ && !second_started_) return {Code::kInterrupted, "interrupted before B had run"};
    stop();
    timed_out_ = false;
    return {};
  }
  void stop() {
    stopped_ = true;
    keeper_->stop();
  }
  void look_at_time() {
    if (!time_ || stopped_ || system_clock().monotonic_us() - began_ < *time_) return;
    timed_out_ = true;
    stop();
  }

  Status read_results() {
    for (const auto& comparison : comparisons_) STREAM_TRY(comparison->read_on(kReadingTime).status());
    return {};
  }

  Status tell_performance(CompareReport& report) {
    if (!listeners_[0].finished() || !listeners_[1].finished()) {
      const auto even = read_the_same();
      if (!even.ok()) return even.status();
      if (!*even) {
        STREAM_TRY(report.remark("input",
                                 "A and B had not read the same when they stopped: what only one of them has "
                                 "may be due to that"));
      }
    }
    const std::string cores = std::to_string(std::max(1U, std::thread::hardware_concurrency()));
    const std::string how =
        one_by_one_ ? "each ran alone" : "both ran at once on " + cores + " cores, which they shared";
    return report.performance(listeners_[0].figures(), listeners_[1].figures(),
                              how + "; sinks were replaced by files, the same in both");
  }

  const CompareSettings& settings_;
  bool state_;
  bool one_by_one_;
  bool quiet_;
  std::optional<Microseconds> time_;
  PlannedRuns runs_;
  const std::string& folder_;
  std::vector<std::unique_ptr<ResultComparison>> comparisons_;
  std::vector<RunListener> listeners_;
  int signals_ = -1;
  Microseconds began_ = 0;
  bool second_started_ = false;
  bool stopped_ = false;
  bool timed_out_ = false;  // that is why
  std::unique_ptr<CompareKeeper> keeper_;
};

}  // namespace

Status compare_runs(const VerbValues& values, const CompareSettings& settings, CompareReport& report, bool& told) {
  const std::string folder = temporary_folder() + "/stream-compare-" + std::to_string(::getpid()) + "-" +
                             std::to_string(system_clock().wall_us());
  STREAM_ASSIGN(PlannedRuns runs, plan_runs(values, settings, folder, report, told));
  return RunComparison(values, settings, std::move(runs), folder).run(report);
}

}  // namespace stream
