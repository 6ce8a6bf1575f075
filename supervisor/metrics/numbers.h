// Numbers and names as texts, for formats.
#pragma once

#include <string>
#include <string_view>

#include "supervisor/metrics/snapshot.h"

namespace stream::metrics {

// The shortest text that reads as the same number; whole ones without exponent. NaN and infinities as "NaN", "+Inf",
// "-Inf".
void append_number(std::string& out, double value);
std::string number_text(double value);

// What is not a letter, digit or one of `also` becomes `instead`.
std::string cleaned(std::string_view text, std::string_view also, char instead = '_');

// Of a histogram: "count", "min", …, "p999", with their values.
std::vector<std::pair<std::string_view, double>> parts_of(const HistogramValue& histogram);

// Flink's identifier: "host.jobmanager.visits.uptime", each component cleaned.
std::string identifier(const MetricGroup& group, std::string_view metric, char delimiter = '.');

// Under its identifier, which is the task's as well, the operator's value has been there already.
bool repeated(const MetricGroup& group, const MetricPoint& point);

}  // namespace stream::metrics
