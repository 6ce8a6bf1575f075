// Asks all jobs again and again, beside the screen, so that a job that does not answer holds no key up.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "cli/top/top_state.h"
#include "cli/top_source.h"
#include "transport/base/status.h"

namespace stream {

class TopCollector {
 public:
  // What a sample is to hold beside the loads.
  struct Wanted {
    Page page = Page::kJobs;
    std::string job;
    std::string stage;  // whose log lines; "" all
    bool operator==(const Wanted&) const = default;
  };

  TopCollector(std::unique_ptr<TopSource> source, Microseconds interval);
  ~TopCollector();
  TopCollector(const TopCollector&) = delete;
  TopCollector& operator=(const TopCollector&) = delete;

  // Something else than before is collected at once.
  void want(const Wanted& wanted);
  void hurry();  // something has changed
  // Becomes readable when there is a sample.
  int descriptor() const { return ready_; }
  std::optional<Sample> take();

 private:
  void run();
  Sample collect(const Wanted& wanted);

  const std::unique_ptr<TopSource> source_;
  const Microseconds interval_;
  const int ready_;
  std::mutex mutex_;
  std::condition_variable changed_;
  Wanted wanted_;
  bool at_once_ = false;
  bool ends_ = false;
  std::optional<Sample> sample_;
  std::vector<JobLoad> loads_;  // the thread's own
  std::thread thread_;
};

}  // namespace stream
