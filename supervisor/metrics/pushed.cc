// Reporters that deliver.
#include <algorithm>

#include "supervisor/metrics/datadog.h"
#include "supervisor/metrics/formats.h"
#include "supervisor/metrics/ganglia.h"
#include "supervisor/metrics/http_sender.h"
#include "supervisor/metrics/make_reporters.h"
#include "supervisor/metrics/otlp.h"
#include "supervisor/metrics/prometheus.h"
#include "supervisor/metrics/sockets.h"

namespace stream::metrics {
namespace {

// Below what an Ethernet frame holds, so that no packet is cut in pieces of which one may get lost.
constexpr std::size_t kPacketMax = 1432;
constexpr const char* kJson = "application/json";

// Options were checked when the manifest was read.
Address address_of(const ReporterSetup& setup) {
  auto address = parse_address(setup.text("address"));
  return address.ok() ? *std::move(address) : Address{};
}
Url url_of(const ReporterSetup& setup) {
  auto url = parse_url(setup.text("url"));
  return url.ok() ? *std::move(url) : Url{};
}

class StatsD final : public Reporter {
 public:
  explicit StatsD(const ReporterSetup& setup) : sender_(address_of(setup)) {}
  Status report(const MetricsSnapshot& snapshot) override {
    return sender_.send(packets_of(statsd_lines(snapshot), kPacketMax));
  }

 private:
  UdpSender sender_;
};

class DogStatsD final : public Reporter {
 public:
  explicit DogStatsD(const ReporterSetup& setup) : sender_(address_of(setup)) {}
  Status report(const MetricsSnapshot& snapshot) override {
    return sender_.send(packets_of(dogstatsd_lines(snapshot, deltas_), kPacketMax));
  }

 private:
  UdpSender sender_;
  Deltas deltas_;
};

class Graphite final : public Reporter {
 public:
  explicit Graphite(const ReporterSetup& setup)
      : prefix_(setup.text("prefix")),
        udp_(setup.text("protocol") == "udp"),
        stream_(address_of(setup)),
        packets_(address_of(setup)) {}
  Status report(const MetricsSnapshot& snapshot) override {
    const std::string lines = graphite_lines(snapshot, prefix_);
    if (!udp_) return stream_.send(lines);
    std::vector<std::string> each;
    for (std::size_t at = 0, end = 0; at < lines.size(); at = end + 1) {
      end = lines.find('\n', at);
      each.push_back(lines.substr(at, end - at));
    }
    return packets_.send(packets_of(each, kPacketMax));
  }

 private:
  std::string prefix_;
  bool udp_;
  TcpSender stream_;
  UdpSender packets_;
};

class InfluxDb final : public Reporter {
 public:
  explicit InfluxDb(const ReporterSetup& setup)
      : sender_(url_of(setup), headers_of(setup), setup.text("authority")), path_(path_of(setup)) {
    if (!setup.text("username").empty()) sender_.use_password(setup.text("username"), setup.text("password"));
  }
  Status report(const MetricsSnapshot& snapshot) override {
    return sender_.send({"POST", path_, "text/plain; charset=utf-8", influx_lines(snapshot)});
  }

 private:
  static HttpHeaders headers_of(const ReporterSetup& setup) {
    if (setup.text("token").empty()) return {};
    return {{"Authorization", "Token " + setup.text("token")}};
  }
  static std::string path_of(const ReporterSetup& setup) {
    std::string path = "/write?precision=ms&db=" + url_encoded(setup.text("db"));
    if (!setup.text("retention-policy").empty()) path += "&rp=" + url_encoded(setup.text("retention-policy"));
    return path + "&consistency=" + setup.text("consistency");
  }

  HttpSender sender_;
  std::string path_;
};

class PushGateway final : public Reporter {
 public:
  explicit PushGateway(const ReporterSetup& setup)
      : sender_(url_of(setup), {}, setup.text("authority")), setup_(setup), deletes_(setup.flag("delete-at-end")) {
    if (!setup.text("username").empty()) sender_.use_password(setup.text("username"), setup.text("password"));
  }
  Status report(const MetricsSnapshot& snapshot) override {
    if (path_.empty()) path_ = path_of(setup_, snapshot);
    return sender_.send({"PUT", path_, std::string(kPrometheusType), prometheus_text(snapshot)});
  }
  void finish() override {
    if (deletes_ && !path_.empty()) (void)sender_.send({"DELETE", path_, "", ""});
  }

 private:
  static std::string path_of(const ReporterSetup& setup, const MetricsSnapshot& snapshot) {
    const std::string job = setup.text("job");
    std::string path = "/metrics" + push_segment("job", job.empty() ? "stream-" + snapshot.job : job);
    for (const auto& [label, value] : setup.map("grouping-key")) path += push_segment(label, value);
    return path;
  }

  HttpSender sender_;
  ReporterSetup setup_;
  bool deletes_;
  std::string path_;
};

class OpenTelemetry final : public Reporter {
 public:
  explicit OpenTelemetry(const ReporterSetup& setup)
      : sender_(url_of(setup), headers_of(setup), setup.text("authority")),
        resource_{setup.text("service-name"), setup.text("service-version")},
        traces_(setup.flag("traces")),
        events_(setup.flag("events")) {}

  Status report(const MetricsSnapshot& snapshot) override {
    STREAM_TRY(sender_.send({"POST", "/v1/metrics", kJson, otlp_metrics(snapshot, resource_)}));
    if (traces_ && !snapshot.spans.empty()) {
      STREAM_TRY(send_new("/v1/traces", otlp_traces(snapshot, resource_, spans_sent_)));
      spans_sent_ = snapshot.spans.back().number;
    }
    if (events_ && !snapshot.events.empty()) {
      STREAM_TRY(send_new("/v1/logs", otlp_logs(snapshot, resource_, events_sent_)));
      events_sent_ = snapshot.events.back().number;
    }
    return {};
  }

 private:
  static HttpHeaders headers_of(const ReporterSetup& setup) {
    HttpHeaders headers;
    if (!setup.text("token").empty()) headers.emplace_back("Authorization", "Bearer " + setup.text("token"));
    return headers;
  }
  Status send_new(const char* path, std::string body) {
    return body.empty() ? Status() : sender_.send({"POST", path, kJson, std::move(body)});
  }

  HttpSender sender_;
  OtlpResource resource_;
  bool traces_;
  bool events_;
  std::uint64_t spans_sent_ = 0;  // number of the newest
  std::uint64_t events_sent_ = 0;
};

class Datadog final : public Reporter {
 public:
  explicit Datadog(const ReporterSetup& setup)
      : sender_(url_of(setup), {{"DD-API-KEY", setup.text("api-key")}}, setup.text("authority")),
        tags_(setup.list("tags")),
        most_(static_cast<std::size_t>(std::max<std::int64_t>(1, setup.integer("series-per-request")))) {}
  Status report(const MetricsSnapshot& snapshot) override {
    for (std::string& body : datadog_bodies(snapshot, tags_, most_, deltas_)) {
      STREAM_TRY(sender_.send({"POST", "/api/v1/series", kJson, std::move(body)}));
    }
    return {};
  }

 private:
  HttpSender sender_;
  std::vector<std::string> tags_;
  std::size_t most_;
  Deltas deltas_;
};

class Ganglia final : public Reporter {
 public:
  explicit Ganglia(const ReporterSetup& setup)
      : sender_(address_of(setup)),
        options_{static_cast<int>(setup.integer("dmax")), static_cast<int>(setup.integer("tmax"))} {}
  Status report(const MetricsSnapshot& snapshot) override { return sender_.send(ganglia_packets(snapshot, options_)); }

 private:
  UdpSender sender_;
  GangliaOptions options_;
};

class Log final : public Reporter {
 public:
  explicit Log(ReporterSetup setup) : say_(std::move(setup.say)) {}
  Status report(const MetricsSnapshot& snapshot) override {
    for (std::string& line : log_lines(snapshot)) say_(std::move(line));
    return {};
  }

 private:
  Say say_;
};

}  // namespace

std::unique_ptr<Reporter> make_opentelemetry(ReporterSetup setup) { return std::make_unique<OpenTelemetry>(setup); }
std::unique_ptr<Reporter> make_datadog(ReporterSetup setup) { return std::make_unique<Datadog>(setup); }
std::unique_ptr<Reporter> make_ganglia(ReporterSetup setup) { return std::make_unique<Ganglia>(setup); }
std::unique_ptr<Reporter> make_statsd(ReporterSetup setup) { return std::make_unique<StatsD>(setup); }
std::unique_ptr<Reporter> make_dogstatsd(ReporterSetup setup) { return std::make_unique<DogStatsD>(setup); }
std::unique_ptr<Reporter> make_graphite(ReporterSetup setup) { return std::make_unique<Graphite>(setup); }
std::unique_ptr<Reporter> make_influxdb(ReporterSetup setup) { return std::make_unique<InfluxDb>(setup); }
std::unique_ptr<Reporter> make_pushgateway(ReporterSetup setup) { return std::make_unique<PushGateway>(setup); }
std::unique_ptr<Reporter> make_log(ReporterSetup setup) { return std::make_unique<Log>(std::move(setup)); }

}  // namespace stream::metrics
