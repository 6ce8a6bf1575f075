#include "supervisor/metrics/otlp.h"

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "supervisor/metrics/numbers.h"
#include "supervisor/metrics/spread.h"

namespace stream::metrics {
namespace {

using nlohmann::ordered_json;

constexpr int kCumulative = 2;
constexpr int kInternal = 1;
constexpr int kStatusError = 2;

ordered_json attribute(std::string_view key, const std::string& value) {
  return {{"key", key}, {"value", {{"stringValue", value}}}};
}

// 64-bit numbers are texts in this JSON.
std::string nanoseconds(Microseconds us) { return std::to_string(us * 1000); }

ordered_json attributes_of(const MetricGroup& group) {
  ordered_json out = ordered_json::array();
  for (const auto& [name, value] : group.variables) out.push_back(attribute(name, value));
  return out;
}

ordered_json resource_of(const MetricsSnapshot& snapshot, const OtlpResource& resource) {
  ordered_json attributes = ordered_json::array();
  attributes.push_back(attribute("service.name", resource.service_name));
  if (!resource.service_version.empty()) attributes.push_back(attribute("service.version", resource.service_version));
  attributes.push_back(attribute("service.instance.id", snapshot.job));
  attributes.push_back(attribute("host.name", snapshot.host));
  return {{"attributes", attributes}};
}

ordered_json summary_of(const HistogramValue& histogram) {
  ordered_json quantiles = ordered_json::array();
  const auto add = [&](double quantile, double value) {
    quantiles.push_back({{"quantile", quantile}, {"value", value}});
  };
  add(0, histogram.min);
  for (std::size_t i = 0; i < kQuantiles.size(); ++i) add(kQuantiles[i], histogram.quantiles[i]);
  add(1, histogram.max);
  return {{"count", std::to_string(histogram.count)},
          {"sum", histogram.mean * static_cast<double>(histogram.count)},
          {"quantileValues", quantiles}};
}

ordered_json point_of(const MetricPoint& point, const ordered_json& attributes, Microseconds at) {
  ordered_json out = point.kind == Kind::kHistogram ? summary_of(point.histogram) : ordered_json::object();
  if (point.kind == Kind::kCounter)
    out["asInt"] = std::to_string(static_cast<std::int64_t>(point.value));
  else if (point.kind != Kind::kHistogram)
    out["asDouble"] = point.value;
  out["timeUnixNano"] = nanoseconds(at);
  out["attributes"] = attributes;
  return out;
}

ordered_json metric_of(const std::string& name, const MetricPoint& point) {
  ordered_json out = {{"name", name}};
  if (point.definition != nullptr) {
    out["description"] = point.definition->meaning;
    out["unit"] = point.definition->unit;
  }
  const ordered_json points = {{"dataPoints", ordered_json::array()}};
  if (point.kind == Kind::kCounter) {
    out["sum"] = points;
    out["sum"]["aggregationTemporality"] = kCumulative;
    out["sum"]["isMonotonic"] = point.definition != nullptr;  // users count down as well
  } else {
    out[point.kind == Kind::kHistogram ? "summary" : "gauge"] = points;
  }
  return out;
}

std::string dump(const ordered_json& json) { return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace); }

const ordered_json& scope() {
  static const ordered_json kScope = {{"name", "stream"}, {"version", STREAM_VERSION}};
  return kScope;
}

std::string hex(std::uint64_t value) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(value));
  return text;
}

ordered_json span_of(const MetricsSnapshot& snapshot, const Span& span) {
  const std::uint64_t seed = spread(snapshot.job) ^ spread(static_cast<std::uint64_t>(span.from_us));
  ordered_json attributes = ordered_json::array();
  attributes.push_back(attribute("job_name", snapshot.job));
  for (const auto& [name, value] : span.attributes) attributes.push_back(attribute(name, value));
  return {{"traceId", hex(spread(seed + 1)) + hex(spread(seed + span.number))},
          {"spanId", hex(spread(seed + span.number + 7) | 1)},
          {"name", span.name},
          {"kind", kInternal},
          {"startTimeUnixNano", nanoseconds(span.from_us)},
          {"endTimeUnixNano", nanoseconds(span.to_us)},
          {"attributes", attributes},
          {"status", span.failed ? ordered_json{{"code", kStatusError}} : ordered_json::object()}};
}

struct Severity {
  int number;
  const char* text;
};
Severity severity_of(std::string_view kind) {
  if (kind == "failed") return {17, "ERROR"};
  if (kind == "restarting" || kind.starts_with("checkpoint-")) return {13, "WARN"};
  return {9, "INFO"};
}

ordered_json record_of(const MetricsSnapshot& snapshot, const EventView& event) {
  const Severity severity = severity_of(event.kind);
  ordered_json attributes = ordered_json::array();
  attributes.push_back(attribute("job_name", snapshot.job));
  attributes.push_back(attribute("event.name", event.kind));
  return {{"timeUnixNano", nanoseconds(event.at_us)}, {"observedTimeUnixNano", nanoseconds(snapshot.at_us)},
          {"severityNumber", severity.number},        {"severityText", severity.text},
          {"body", {{"stringValue", event.text}}},    {"attributes", attributes}};
}

}  // namespace

std::string otlp_metrics(const MetricsSnapshot& snapshot, const OtlpResource& resource) {
  std::map<std::string, ordered_json> metrics;
  for (const MetricGroup& group : snapshot.groups) {
    const ordered_json attributes = attributes_of(group);
    for (const MetricPoint& point : group.points) {
      if (point.kind != Kind::kHistogram && !std::isfinite(point.value)) continue;
      const std::string name = "flink." + std::string(scope_name(group.scope)) + "." + point.name;
      ordered_json& metric = metrics[name];
      if (metric.is_null()) metric = metric_of(name, point);
      const char* kind = point.kind == Kind::kCounter ? "sum" : point.kind == Kind::kHistogram ? "summary" : "gauge";
      if (metric.contains(kind)) { metric[kind]["dataPoints"].push_back(point_of(point, attributes, snapshot.at_us)); }
    }
  }
  ordered_json list = ordered_json::array();
  for (auto& [name, metric] : metrics) list.push_back(std::move(metric));
  return dump({{"resourceMetrics",
                {{{"resource", resource_of(snapshot, resource)},
                  {"scopeMetrics", {{{"scope", scope()}, {"metrics", std::move(list)}}}}}}}});
}

std::string otlp_traces(const MetricsSnapshot& snapshot, const OtlpResource& resource, std::uint64_t after) {
  ordered_json spans = ordered_json::array();
  for (const Span& span : snapshot.spans) {
    if (span.number > after) spans.push_back(span_of(snapshot, span));
  }
  if (spans.empty()) return "";
  return dump({{"resourceSpans",
                {{{"resource", resource_of(snapshot, resource)},
                  {"scopeSpans", {{{"scope", scope()}, {"spans", std::move(spans)}}}}}}}});
}

std::string otlp_logs(const MetricsSnapshot& snapshot, const OtlpResource& resource, std::uint64_t after) {
  ordered_json records = ordered_json::array();
  for (const EventView& event : snapshot.events) {
    if (event.number > after) records.push_back(record_of(snapshot, event));
  }
  if (records.empty()) return "";
  return dump({{"resourceLogs",
                {{{"resource", resource_of(snapshot, resource)},
                  {"scopeLogs", {{{"scope", scope()}, {"logRecords", std::move(records)}}}}}}}});
}

}  // namespace stream::metrics
