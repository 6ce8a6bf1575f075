#include "supervisor/history_writer.h"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "supervisor/history_store.h"
#include "supervisor/metrics/host.h"
#include "transport/base/clock.h"

namespace stream {
namespace {

constexpr std::size_t kViewsMax = 8;      // that wait for the thread
constexpr std::size_t kPointsMax = 1000;  // that wait for the disk
constexpr Microseconds kWriteEvery = 10'000'000;
constexpr Microseconds kFirstWrite = 2'000'000;
constexpr auto kLastPatience = std::chrono::seconds(1);

}  // namespace

// Shared with its thread, which may outlive the writer while the disk keeps it.
class HistoryWriter::Core {
 public:
  Core(std::string path, bool brief) : path_(std::move(path)), brief_(brief) {}

  void offer(metrics::MetricsView view) {
    {
      const std::lock_guard lock(mutex_);
      if (views_.size() == kViewsMax) views_.pop_front();
      views_.push_back(std::move(view));
    }
    wake_.notify_all();
  }

  void stop() {
    std::unique_lock lock(mutex_);
    stopping_ = true;
    wake_.notify_all();
    wake_.wait_for(lock, kLastPatience, [this] { return ended_; });
  }

  std::string failure() {
    const std::lock_guard lock(mutex_);
    return std::exchange(failure_, "");
  }

  void run() {
    std::unique_lock lock(mutex_);
    next_us_ = system_clock().monotonic_us() + (brief_ ? kWriteEvery : kFirstWrite);
    for (;;) {
      wake_.wait(lock, [this] { return stopping_ || !views_.empty(); });
      std::deque<metrics::MetricsView> views = std::exchange(views_, {});
      const bool last = stopping_;
      lock.unlock();
      for (metrics::MetricsView& view : views) take(view);
      const Microseconds now = system_clock().monotonic_us();
      const bool due = now >= next_us_ || (last && !(brief_ && store_ == nullptr));
      if (due) next_us_ = now + kWriteEvery;
      const Status written = due ? write(last) : Status();
      lock.lock();
      if (due && !written.ok() && !told_) failure_ = written.what();
      if (due) told_ = !written.ok();
      if (last) break;
    }
    ended_ = true;
    wake_.notify_all();
  }

 private:
  void take(metrics::MetricsView& view) {
    probe_.look(system_clock().monotonic_us(), view.machine, view.supervisor);
    steps_.add(columns_.point_of(metrics::collect(view)));
  }

  Status write(bool last) {
    for (HistoryPoint& point : steps_.take(last)) points_.push_back(std::move(point));
    if (points_.size() > kPointsMax) points_.erase(points_.begin(), points_.end() - kPointsMax);
    if (points_.empty()) return {};
    if (store_ == nullptr) { STREAM_ASSIGN(store_, HistoryStore::open(path_)); }
    Status written = store_->write(points_, system_clock().wall_us() / 1000);
    if (written.ok()) points_.clear();
    if (written.code() == Code::kCorrupt) store_.reset();  // it is begun anew
    return written;
  }

  const std::string path_;
  const bool brief_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<metrics::MetricsView> views_;
  std::string failure_;
  bool stopping_ = false;
  bool ended_ = false;
  // Of the thread alone:
  metrics::HostProbe probe_;
  HistoryColumns columns_;
  HistorySteps steps_;
  std::vector<HistoryPoint> points_;
  std::unique_ptr<HistoryStore> store_;
  Microseconds next_us_ = 0;
  bool told_ = false;
};

HistoryWriter::HistoryWriter(std::string path, bool brief) : core_(std::make_shared<Core>(std::move(path), brief)) {
  std::thread([core = core_] { core->run(); }).detach();
}

HistoryWriter::~HistoryWriter() { core_->stop(); }

void HistoryWriter::offer(metrics::MetricsView view) { core_->offer(std::move(view)); }
void HistoryWriter::stop() { core_->stop(); }
std::string HistoryWriter::failure() { return core_->failure(); }

}  // namespace stream
