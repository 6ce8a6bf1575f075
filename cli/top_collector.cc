#include "cli/top_collector.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <nlohmann/json.hpp>

#include "supervisor/job_log.h"
#include "transport/base/check.h"

namespace stream {
namespace {

using nlohmann::json;

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

std::vector<Span> log_lines(TopSource& source, const std::string& job, const std::string& stage) {
  std::vector<Span> lines;
  for (const LogLine& line : source.log(job)) {
    if (stage.empty() || line.stage == stage) lines.push_back({to_text(line), style_of(line.level)});
  }
  return lines;
}

std::vector<json> newest_first(TopSource& source, const std::string& job, const std::string& what) {
  std::vector<json> items = source.list(job, what);
  const char* key = what == "events" ? "at_us" : "epoch";
  std::ranges::stable_sort(items, std::greater(), [&](const json& item) { return item.value(key, std::int64_t{0}); });
  return items;
}

Details details_of(TopSource& source, const TopCollector::Wanted& wanted) {
  Details details{.job = wanted.job, .page = wanted.page, .checkpoints = {}, .events = {}, .logs = {}};
  if (wanted.page == Page::kCheckpoints) {
    for (const json& c : newest_first(source, wanted.job, "checkpoints"))
      details.checkpoints.push_back(checkpoint_of(c));
  }
  if (wanted.page == Page::kEvents) {
    for (const json& e : newest_first(source, wanted.job, "events")) details.events.push_back(event_of(e));
  }
  if (wanted.page == Page::kLogs) details.logs = log_lines(source, wanted.job, wanted.stage);
  return details;
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

TopCollector::TopCollector(std::unique_ptr<TopSource> source, Microseconds interval)
    : source_(std::move(source)), interval_(interval), ready_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
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
  auto loads = source_->loads();
  if (loads.ok()) loads_ = *std::move(loads);
  for (JobLoad& load : loads_) {  // what was known last
    if (loads.ok()) break;
    load.state = "SILENT";
    load.reason = loads.status().what();
  }
  sample.jobs = loads_;
  const bool known = std::ranges::find(sample.jobs, wanted.job, &JobLoad::name) != sample.jobs.end();
  if (known) sample.details = details_of(*source_, wanted);
  return sample;
}

}  // namespace stream
