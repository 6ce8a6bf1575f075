#include "cli/top_collector.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <nlohmann/json.hpp>

#include "supervisor/job_client.h"
#include "supervisor/job_log.h"
#include "transport/base/check.h"

namespace stream {
namespace {

using nlohmann::json;

constexpr Microseconds kPatience = 1'000'000;  // with one job
constexpr off_t kLogBytes = 256 << 10;         // of the end of the log

CheckpointPart part_of(const json& i) {
  return {.instance = i.value("instance", ""),
          .delay_us = i.value("start_delay_us", Microseconds{0}),
          .alignment_us = i.value("alignment_us", Microseconds{0}),
          .sync_us = i.value("sync_us", Microseconds{0}),
          .async_us = i.value("async_us", Microseconds{0}),
          .rows = i.value("rows", std::uint64_t{0}),
          .bytes = i.value("bytes", std::uint64_t{0})};
}

CheckpointLine checkpoint_of(const json& c) {
  CheckpointLine line{.epoch = c.value("epoch", std::uint64_t{0}),
                      .status = c.value("status", ""),
                      .triggered_us = c.value("triggered_us", Microseconds{0}),
                      .duration_us = c.value("duration_us", Microseconds{0}),
                      .bytes = c.value("bytes", std::uint64_t{0}),
                      .parts = {}};
  const json detail = c.value("detail", json());
  if (detail.is_array()) {
    for (const json& part : detail) line.parts.push_back(part_of(part));
  }
  return line;
}

EventLine event_of(const json& e) {
  return {.at_us = e.value("at_us", Microseconds{0}), .kind = e.value("kind", ""), .text = e.value("text", "")};
}

Style style_of(LogLevel level) {
  if (level == LogLevel::kError) return Style::kBad;
  if (level == LogLevel::kWarning) return Style::kWarning;
  return level < LogLevel::kInfo ? Style::kDim : Style::kPlain;
}

std::string end_of_file(const std::string& path, off_t most) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat info {};
  std::string text;
  if (fd >= 0 && ::fstat(fd, &info) == 0) {
    const off_t from = std::max<off_t>(0, info.st_size - most);
    text.resize(static_cast<std::size_t>(info.st_size - from));
    const ssize_t n = ::pread(fd, text.data(), text.size(), from);
    text.resize(static_cast<std::size_t>(std::max<ssize_t>(0, n)));
  }
  if (fd >= 0) ::close(fd);
  return text;
}

std::vector<Span> log_lines(const JobPaths& job, const std::string& stage) {
  const std::string text = end_of_file(job.logs() + "/" + std::string(kLogFile), kLogBytes);
  std::vector<Span> lines;
  for (std::size_t begin = 0, end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
    const auto line = log_line_from_json(std::string_view(text).substr(begin, end - begin));
    if (line && (stage.empty() || line->stage == stage)) lines.push_back({to_text(*line), style_of(line->level)});
  }
  return lines;
}

std::vector<json> newest_first(const JobPaths& job, const std::string& what) {
  const auto list = list_of_job(job, what);
  if (!list.ok() || !list->is_array()) return {};
  std::vector<json> items(list->begin(), list->end());
  const char* key = what == "events" ? "at_us" : "epoch";
  std::ranges::stable_sort(items, std::greater(), [&](const json& item) { return item.value(key, std::int64_t{0}); });
  return items;
}

Details details_of(const TopCollector::Wanted& wanted) {
  const JobPaths job = job_paths(wanted.job);
  Details details{.job = wanted.job, .page = wanted.page, .checkpoints = {}, .events = {}, .logs = {}};
  if (wanted.page == Page::kCheckpoints) {
    for (const json& c : newest_first(job, "checkpoints")) details.checkpoints.push_back(checkpoint_of(c));
  }
  if (wanted.page == Page::kEvents) {
    for (const json& e : newest_first(job, "events")) details.events.push_back(event_of(e));
  }
  if (wanted.page == Page::kLogs) details.logs = log_lines(job, wanted.stage);
  return details;
}

Microseconds changed_us(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return 0;
  return static_cast<Microseconds>(info.st_mtim.tv_sec) * 1'000'000 + info.st_mtim.tv_nsec / 1000;
}

// Signals are the screen's.
std::thread without_signals(std::function<void()> work) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread(std::move(work));
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

}  // namespace

TopCollector::TopCollector(Microseconds interval)
    : interval_(interval), ready_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  STREAM_CHECK(ready_ >= 0);
  thread_ = without_signals([this] { run(); });
}

TopCollector::~TopCollector() {
  {
    const std::lock_guard guard(mutex_);
    ends_ = true;
  }
  changed_.notify_one();
  thread_.join();
  ::close(ready_);
}

void TopCollector::want(const Wanted& wanted) {
  const std::lock_guard guard(mutex_);
  if (wanted == wanted_) return;
  wanted_ = wanted;
  at_once_ = true;
  changed_.notify_one();
}

void TopCollector::hurry() {
  const std::lock_guard guard(mutex_);
  at_once_ = true;
  changed_.notify_one();
}

std::optional<Sample> TopCollector::take() {
  std::uint64_t times = 0;
  if (::read(ready_, &times, sizeof times) < 0) return std::nullopt;
  const std::lock_guard guard(mutex_);
  return std::exchange(sample_, std::nullopt);
}

void TopCollector::run() {
  std::unique_lock guard(mutex_);
  while (!ends_) {
    at_once_ = false;
    const Wanted wanted = wanted_;
    guard.unlock();
    Sample sample = collect(wanted);
    guard.lock();
    sample_ = std::move(sample);
    constexpr std::uint64_t kOne = 1;
    [[maybe_unused]] const ssize_t n = ::write(ready_, &kOne, sizeof kOne);
    changed_.wait_for(guard, std::chrono::microseconds(interval_), [&] { return ends_ || at_once_; });
  }
}

Sample TopCollector::collect(const Wanted& wanted) {
  Sample sample{.at_us = system_clock().wall_us(), .jobs = {}, .details = {}};
  for (const std::string& name : list_jobs()) {
    if (auto load = load_of(job_paths(name))) sample.jobs.push_back(*std::move(load));
  }
  const bool known = std::ranges::find(sample.jobs, wanted.job, &JobLoad::name) != sample.jobs.end();
  if (known) sample.details = details_of(wanted);
  return sample;
}

// Nothing of a job that has never run, or that begins or ends at this very moment.
std::optional<JobLoad> TopCollector::load_of(const JobPaths& job) {
  if (JobLock::runs(job)) {
    ended_.erase(job.job);
    const auto stats = ask_job(job, {{"verb", "stats"}}, kPatience);
    if (stats.ok()) return job_load(*stats);
    if (stats.status().code() != Code::kInterrupted) return std::nullopt;
    JobLoad silent;
    silent.name = job.job;
    silent.state = "SILENT";
    silent.running = true;
    silent.reason = stats.status().what();
    return silent;
  }
  const Microseconds changed = std::max(changed_us(job.store()), changed_us(job.store() + "-wal"));
  Ended& ended = ended_[job.job];
  if (ended.changed_us != changed || changed == 0) {
    const auto summary = stored_summary(job);
    if (!summary.ok()) return std::nullopt;
    ended = {changed, job_load(*summary)};
  }
  return ended.load;
}

}  // namespace stream
