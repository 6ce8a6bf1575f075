// HistoryWriter: keeps the history of a job's metrics, on a thread of its own. The supervisor hands it a look at the
// job once a second, and never waits for it.
#pragma once

#include <memory>
#include <string>

#include "supervisor/metrics/view.h"

namespace stream {

inline constexpr Microseconds kHistoryEvery = 1'000'000;

class HistoryWriter {
 public:
  // `brief`: nothing is kept of a job that ends within seconds.
  HistoryWriter(std::string path, bool brief);
  ~HistoryWriter();
  HistoryWriter(const HistoryWriter&) = delete;

  void offer(metrics::MetricsView view);
  // Writes what it has; is left behind if that takes more than a second.
  void stop();
  // What there is to be logged, once; "" = nothing.
  std::string failure();

 private:
  class Core;
  std::shared_ptr<Core> core_;
};

}  // namespace stream
