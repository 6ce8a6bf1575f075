// Reporters that answer when they are asked.
#include <atomic>

#include "supervisor/metrics/http_parts.h"
#include "supervisor/metrics/jolokia.h"
#include "supervisor/metrics/make_reporters.h"
#include "supervisor/metrics/prometheus.h"

namespace stream::metrics {
namespace {

// Listens as soon as it can: while its address is taken, each report says so.
class Asked : public Reporter {
 public:
  explicit Asked(ReporterSetup setup) : setup_(std::move(setup)) {}

  Status report(const MetricsSnapshot&) override {
    if (listener_) return {};
    STREAM_ASSIGN(const ListenAddress address, parse_listen_address(setup_.text("address")));
    STREAM_ASSIGN(const HttpParts* parts, http_parts());
    STREAM_ASSIGN(listener_, parts->listen(address, [this](const HttpQuestion& question) {
      ++answered_;
      return answer(question);
    }));
    setup_.say(setup_.spec.name + " answers at http://" + address.host + ":" + std::to_string(listener_->port()) +
               path());
    return {};
  }
  std::uint64_t answered() const override { return answered_; }

 protected:
  virtual HttpAnswer answer(const HttpQuestion& question) = 0;
  virtual std::string path() const = 0;
  // Before what answer() needs is gone.
  void stop() { listener_.reset(); }

  ReporterSetup setup_;

 private:
  std::atomic<std::uint64_t> answered_ = 0;
  std::unique_ptr<HttpListener> listener_;
};

class Prometheus final : public Asked {
 public:
  using Asked::Asked;
  ~Prometheus() override { stop(); }

 private:
  std::string path() const override { return "/metrics"; }
  HttpAnswer answer(const HttpQuestion& question) override {
    if (question.method != "GET" || question.path != path()) return {404, "text/plain", "there is only GET /metrics\n"};
    const auto snapshot = setup_.newest();
    if (!snapshot) return {503, "text/plain", "the job has no metrics yet\n"};
    return {200, std::string(kPrometheusType), prometheus_text(*snapshot)};
  }
};

class Jmx final : public Asked {
 public:
  using Asked::Asked;
  ~Jmx() override { stop(); }

 private:
  std::string path() const override { return "/jolokia"; }
  HttpAnswer answer(const HttpQuestion& question) override {
    const auto snapshot = setup_.newest();
    if (!snapshot) return {503, "text/plain", "the job has no metrics yet\n"};
    return jolokia_answer(*snapshot, question);
  }
};

}  // namespace

std::unique_ptr<Reporter> make_jmx(ReporterSetup setup) { return std::make_unique<Jmx>(std::move(setup)); }

std::unique_ptr<Reporter> make_prometheus(ReporterSetup setup) {
  return std::make_unique<Prometheus>(std::move(setup));
}

}  // namespace stream::metrics
