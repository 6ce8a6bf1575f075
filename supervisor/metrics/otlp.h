// OpenTelemetry's protocol as JSON over HTTP: requests of metrics, traces and logs. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "supervisor/metrics/snapshot.h"

namespace stream::metrics {

struct OtlpResource {
  std::string service_name;
  std::string service_version;
};

// An ExportMetricsServiceRequest: counters as cumulative sums, histograms as summaries, the rest as gauges.
std::string otlp_metrics(const MetricsSnapshot& snapshot, const OtlpResource& resource);
// An ExportTraceServiceRequest of the spans whose number is above `after`; "" if there is none.
std::string otlp_traces(const MetricsSnapshot& snapshot, const OtlpResource& resource, std::uint64_t after);

// An ExportLogsServiceRequest of the events whose number is above `after`; "" if there is none.
std::string otlp_logs(const MetricsSnapshot& snapshot, const OtlpResource& resource, std::uint64_t after);

}  // namespace stream::metrics
