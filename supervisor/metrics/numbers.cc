#include "supervisor/metrics/numbers.h"

#include <array>
#include <charconv>
#include <cmath>

namespace stream::metrics {

void append_number(std::string& out, double value) {
  if (std::isnan(value)) {
    out += "NaN";
  } else if (std::isinf(value)) {
    out += value > 0 ? "+Inf" : "-Inf";
  } else {
    char text[40];
    const bool whole = std::abs(value) < 1e18 && value == std::trunc(value);
    const auto end = whole ? std::to_chars(text, text + sizeof text, static_cast<std::int64_t>(value)).ptr
                           : std::to_chars(text, text + sizeof text, value).ptr;
    out.append(text, end);
  }
}

std::string number_text(double value) {
  std::string out;
  append_number(out, value);
  return out;
}

std::string cleaned(std::string_view text, std::string_view also, char instead) {
  std::string out(text);
  for (char& c : out) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!plain && also.find(c) == std::string_view::npos) c = instead;
  }
  return out;
}

std::vector<std::pair<std::string_view, double>> parts_of(const HistogramValue& h) {
  return {{"count", static_cast<double>(h.count)},
          {"min", h.min},
          {"max", h.max},
          {"mean", h.mean},
          {"stddev", h.deviation},
          {"p50", h.quantiles[0]},
          {"p75", h.quantiles[1]},
          {"p95", h.quantiles[2]},
          {"p98", h.quantiles[3]},
          {"p99", h.quantiles[4]},
          {"p999", h.quantiles[5]}};
}

std::string identifier(const MetricGroup& group, std::string_view metric, char delimiter) {
  std::string out;
  for (const std::string& component : group.components) {
    out += cleaned(component, "-_", '-');
    out += delimiter;
  }
  const std::size_t begin = out.size();
  out += cleaned(metric, "-_.", '-');
  for (std::size_t i = begin; i < out.size(); ++i) {
    if (out[i] == '.') out[i] = delimiter;
  }
  return out;
}

bool repeated(const MetricGroup& group, const MetricPoint& point) {
  return group.scope == Scope::kOperator && point.definition != nullptr && point.definition->in(Scope::kTask);
}

}  // namespace stream::metrics
