// Prometheus's text format, version 0.0.4, with the names Flink's reporter gives: flink_SCOPE_METRIC.
#pragma once

#include <string>
#include <string_view>

#include "supervisor/metrics/snapshot.h"

namespace stream::metrics {

inline constexpr std::string_view kPrometheusType = "text/plain; version=0.0.4; charset=utf-8";

std::string prometheus_name(Scope scope, std::string_view metric);
// Counters as counters, histograms as summaries, all else as gauges. A series that was there already is left out:
// user's names may become the same.
std::string prometheus_text(const MetricsSnapshot& snapshot);

// "/LABEL/VALUE" of a PushGateway's path; "/LABEL@base64/…" where the value could not be told from a path.
std::string push_segment(std::string_view label, std::string_view value);

}  // namespace stream::metrics
