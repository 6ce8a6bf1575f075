// MetricsService: the reporters of a job, driven by one thread of their own.
//
// The supervisor hands it views, of which it keeps the newest alone: it never waits for a receiver. Who cannot be
// reached is told once, counted, and tried again more and more seldom, at most a minute apart. Those that are asked
// (Prometheus, Jolokia) are answered from threads of their endpoint.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "supervisor/metrics/reporter.h"

namespace stream::metrics {

struct ServiceMessage {
  bool warning = false;
  std::string text;
};

class MetricsService {
 public:
  // Reads secrets; `folder` is where their relative paths start. What is wrong with a reporter is said like any other
  // failure of it.
  MetricsService(std::vector<ReporterSpec> reporters, const std::string& folder);
  ~MetricsService();
  MetricsService(const MetricsService&) = delete;
  MetricsService& operator=(const MetricsService&) = delete;

  // How often a view is wanted.
  Microseconds cadence() const;
  void offer(MetricsView view);
  // Gives reporters a last chance, and leaves who takes longer than a second behind.
  void stop();
  // What there is to be logged.
  std::vector<ServiceMessage> messages();

 private:
  class Core;
  std::shared_ptr<Core> core_;
};

}  // namespace stream::metrics
