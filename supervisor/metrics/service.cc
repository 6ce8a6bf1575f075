#include "supervisor/metrics/service.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <thread>

#include "supervisor/metrics/filter.h"
#include "supervisor/metrics/host.h"
#include "supervisor/metrics/pace.h"
#include "transport/base/files.h"
#include "transport/base/secret.h"

namespace stream::metrics {
namespace {

constexpr std::size_t kMessagesKept = 1000;
constexpr Microseconds kAskedCadence = 1'000'000;
constexpr auto kLastPatience = std::chrono::seconds(1);

// What a reporter reads in place of one that cannot be made.
class Unusable final : public Reporter {
 public:
  explicit Unusable(Status why) : why_(std::move(why)) {}
  Status report(const MetricsSnapshot&) override { return why_; }

 private:
  Status why_;
};

}  // namespace

// Shared with its thread, which may outlive the service while a receiver keeps it.
class MetricsService::Core : public std::enable_shared_from_this<Core> {
 public:
  Core(std::vector<ReporterSpec> specs, const std::string& folder) {
    for (ReporterSpec& spec : specs) entries_.push_back({.spec = std::move(spec), .pace = Pace(0)});
    for (Entry& entry : entries_) prepare(entry, folder);
  }

  static void start(const std::shared_ptr<Core>& core) {
    for (Entry& entry : core->entries_) core->make(entry, core);
    std::thread([core] { core->run(); }).detach();
  }

  Microseconds cadence() const {
    Microseconds least = INT64_MAX;
    for (const Entry& entry : entries_) least = std::min(least, entry.asked ? kAskedCadence : entry.spec.interval);
    return least;
  }

  void offer(MetricsView view) {
    {
      const std::lock_guard lock(mutex_);
      waiting_ = std::make_unique<MetricsView>(std::move(view));
    }
    wake_.notify_all();
  }

  std::vector<ServiceMessage> messages() {
    const std::lock_guard lock(mutex_);
    return std::exchange(messages_, {});
  }

  void stop() {
    std::unique_lock lock(mutex_);
    stopping_ = true;
    wake_.notify_all();
    wake_.wait_for(lock, kLastPatience, [this] { return ended_; });
  }

 private:
  struct Entry {
    ReporterSpec spec;
    Pace pace;
    Filter filter = {};
    bool asked = false;
    Status broken = {};
    std::map<std::string, std::string> secrets = {};
    std::unique_ptr<Reporter> reporter = nullptr;
    std::uint64_t reports = 0;  // the rest is of the thread alone
    std::uint64_t failures = 0;
  };

  static void prepare(Entry& entry, const std::string& folder) {
    entry.pace = Pace(entry.spec.interval);
    const ReporterKind* kind = find_reporter_kind(entry.spec.kind);
    if (kind == nullptr) {
      entry.broken = failed("there is no reporter '" + entry.spec.kind + "'");
      return;
    }
    entry.asked = kind->asked;
    auto filter = Filter::parse(entry.spec.include, entry.spec.exclude);
    if (!filter.ok()) {
      entry.broken = filter.status();
      return;
    }
    entry.filter = *std::move(filter);
    for (const ReporterOption& option : kind->options) {
      const auto given = entry.spec.options.find(std::string(option.name));
      if (given == entry.spec.options.end()) continue;
      if (option.kind == OptionKind::kFile) given->second = {std::filesystem::path(folder) / given->second.front()};
      if (option.kind != OptionKind::kSecret) continue;
      auto secret = read_secret(system_files(), folder, given->second.front());
      if (secret.ok())
        entry.secrets[given->first] = *std::move(secret);
      else
        entry.broken = secret.status();
    }
  }

  void make(Entry& entry, const std::shared_ptr<Core>& core) {
    if (!entry.broken.ok()) {
      entry.reporter = std::make_unique<Unusable>(entry.broken);
      return;
    }
    // The endpoint of a reporter ends before its Core does, so a plain pointer is enough; the thread holds the Core.
    Core* const self = core.get();
    ReporterSetup setup{entry.spec, entry.secrets, [self, &entry] { return self->newest(entry); },
                        [self](std::string text) {
                          self->say({false, std::move(text)});
                        }};
    entry.reporter = find_reporter_kind(entry.spec.kind)->make(std::move(setup));
  }

  void run() {
    while (take_view()) deliver(false);
    deliver(true);
    for (Entry& entry : entries_) entry.reporter.reset();
    const std::lock_guard lock(mutex_);
    ended_ = true;
    wake_.notify_all();
  }

  // False: it is time to stop. The newest view is then taken all the same.
  bool take_view() {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [this] { return stopping_ || waiting_; });
    if (waiting_) {
      std::shared_ptr<MetricsView> view = std::exchange(waiting_, nullptr);
      lock.unlock();
      probe_.look(system_clock().monotonic_us(), view->machine, view->supervisor);
      for (const Entry& entry : entries_) {
        view->reporters.push_back({entry.spec.name, entry.reports + entry.reporter->answered(), entry.failures});
      }
      lock.lock();
      current_ = std::move(view);
    }
    return !stopping_;
  }

  void deliver(bool last) {
    if (!current_) return;
    std::shared_ptr<const MetricsSnapshot> all;
    for (Entry& entry : entries_) {
      const Microseconds now = system_clock().monotonic_us();
      if (!(last ? !entry.pace.failing() : entry.pace.due(now))) continue;
      if (!all) all = std::make_shared<const MetricsSnapshot>(collect(*current_));
      const Status status =
          entry.asked ? entry.reporter->report(*all) : entry.reporter->report(filtered(*all, entry.filter, entry.spec));
      if (last) entry.reporter->finish();
      settle(entry, status);
    }
  }

  void settle(Entry& entry, const Status& status) {
    const bool told = entry.pace.failing();
    entry.pace.done(status.ok(), system_clock().monotonic_us());
    if (status.ok()) {
      if (!entry.asked) ++entry.reports;
      if (told) say({false, "metrics: " + entry.spec.name + " can be delivered again"});
      return;
    }
    ++entry.failures;
    if (!told) say({true, "metrics: " + entry.spec.name + ": " + status.what() + "; it is tried again"});
  }

  std::shared_ptr<const MetricsSnapshot> newest(const Entry& entry) {
    std::shared_ptr<const MetricsView> view;
    {
      const std::lock_guard lock(mutex_);
      view = current_;
    }
    if (!view) return nullptr;
    return std::make_shared<const MetricsSnapshot>(filtered(collect(*view), entry.filter, entry.spec));
  }

  void say(ServiceMessage message) {
    const std::lock_guard lock(mutex_);
    if (messages_.size() < kMessagesKept) messages_.push_back(std::move(message));
  }

  std::vector<Entry> entries_;
  HostProbe probe_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::unique_ptr<MetricsView> waiting_;  // the newest, not yet taken
  std::shared_ptr<const MetricsView> current_;
  std::vector<ServiceMessage> messages_;
  bool stopping_ = false;
  bool ended_ = false;
};

MetricsService::MetricsService(std::vector<ReporterSpec> reporters, const std::string& folder)
    : core_(std::make_shared<Core>(std::move(reporters), folder)) {
  Core::start(core_);
}

MetricsService::~MetricsService() { stop(); }

void MetricsService::stop() { core_->stop(); }

Microseconds MetricsService::cadence() const { return core_->cadence(); }
void MetricsService::offer(MetricsView view) { core_->offer(std::move(view)); }
std::vector<ServiceMessage> MetricsService::messages() { return core_->messages(); }

}  // namespace stream::metrics
