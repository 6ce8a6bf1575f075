#include "cli/compare_side.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/process_cpu.h"
#include "cli/run_job.h"
#include "supervisor/job_lists.h"
#include "supervisor/job_view.h"

namespace stream {
namespace {

using nlohmann::json;

class Reports {
 public:
  explicit Reports(int fd) : fd_(fd) { set_blocking(false); }

  // Nobody waits for a reader: while a line is on its way, and the pipe is full, others are left out.
  void offer(const json& line) {
    flush();
    if (!pending_.empty()) return;
    pending_ = text_of(line);
    flush();
  }
  // Arrives.
  void insist(const json& line) {
    set_blocking(true);
    pending_ += text_of(line);
    flush();
    set_blocking(false);
  }

 private:
  static std::string text_of(const json& line) {
    return line.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
  }
  void set_blocking(bool blocking) const { ::fcntl(fd_, F_SETFL, blocking ? 0 : O_NONBLOCK); }

  void flush() {
    while (!pending_.empty()) {
      const ssize_t n = ::write(fd_, pending_.data(), pending_.size());
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return;
      pending_.erase(0, static_cast<std::size_t>(n));
    }
  }

  int fd_;
  std::string pending_;
};

json cpu_json(const json& stats) {
  json out = json::object();
  for (const auto& [pid, us] : cpu_of_instances(stats)) out[std::to_string(pid)] = us;
  return out;
}

json stats_line(const JobRunner& runner) {
  json stats = json::parse(job_stats_json(runner), nullptr, false);
  json cpu = cpu_json(stats);
  return {{"stats", std::move(stats)}, {"cpu_us", std::move(cpu)}};
}

// Of all processes that were waited for: the stages of every attempt.
Microseconds cpu_of_children() {
  rusage usage{};
  ::getrusage(RUSAGE_CHILDREN, &usage);
  const auto us = [](const timeval& time) { return time.tv_sec * Microseconds{1'000'000} + time.tv_usec; };
  return us(usage.ru_utime) + us(usage.ru_stime);
}

json over_line(JobRunner& job, JobState state) {
  const auto checkpoints = job_list(job.store(), "checkpoints");
  return {{"over", to_string(state)},
          {"reason", job.record().reason},
          {"checkpoints", checkpoints.ok() ? *checkpoints : json::array()},
          {"cpu_us", cpu_of_children()}};
}

int supervise(RunRequest request, Reports& reports) {
  const int signals = open_signals();
  auto runner = JobRunner::create(std::move(request));
  if (!runner.ok()) {
    reports.insist({{"refused", runner.status().what()}, {"usage", runner.status().code() == Code::kUsage}});
    return kNo;
  }
  JobRunner& job = **runner;
  const std::string catcher = "'_compare/";  // what begins without state are the stages of ours
  for (const std::string& notice : job.notices()) {
    if (notice.find(catcher) == std::string::npos) reports.offer({{"say", "warning: " + notice}});
  }
  job.watch_signals(signals);
  json last;
  job.on_status([&](const JobRunner& now) {
    last = stats_line(now);
    reports.offer(last);
  });
  job.log().on_line([&](const LogLine& line) {
    if (line.level < LogLevel::kWarning || line.message.find(catcher) != std::string::npos) return;
    reports.offer({{"say", std::string(to_string(line.level)) + ": " +
                               (line.stage.empty() ? "" : line.stage + "." + std::to_string(line.instance) + ": ") +
                               line.message}});
  });
  const auto state = job.run([](bool) {});
  if (!last.is_null()) reports.insist(last);  // it may have been left out
  if (state.ok())
    reports.insist(over_line(job, *state));
  else
    reports.insist({{"over", to_string(JobState::kFailed)}, {"reason", state.status().what()}});
  return kDone;
}

}  // namespace

void run_side(RunRequest request, const std::string& folder, int report) {
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int fd = 0; fd < 3; ++fd) ::dup2(null, fd);
  ::setenv("STREAM_HOME", (folder + "/home").c_str(), 1);
  request.print_output = -1;
  Reports reports(report);
  ::_exit(supervise(std::move(request), reports));
}

}  // namespace stream
