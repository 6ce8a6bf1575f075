#include <cmath>

#include "supervisor/metrics/formats.h"
#include "supervisor/metrics/numbers.h"

namespace stream::metrics {
namespace {

// Commas, equal signs and blanks part things; a line feed cannot be written.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == ',' || c == '=' || c == ' ') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  // At the end of a value it would hide the comma behind it.
  if (out.ends_with('\\')) out.back() = '_';
  return out;
}

std::string tags_of(const MetricGroup& group) {
  std::string out;
  for (const auto& [name, value] : group.variables) {
    if (!value.empty()) out += "," + escaped(name) + "=" + escaped(value);
  }
  return out;
}

std::string whole(double value) { return number_text(std::trunc(value)) + "i"; }

// "value=1", "" if there is none that can be written.
std::string fields_of(const MetricPoint& point) {
  if (point.kind == Kind::kHistogram) {
    std::string out;
    for (const auto& [part, value] : parts_of(point.histogram)) {
      out += (out.empty() ? "" : ",") + std::string(part) + "=" + (part == "count" ? whole(value) : number_text(value));
    }
    return out;
  }
  if (!std::isfinite(point.value)) return "";
  if (point.kind == Kind::kCounter) return "count=" + whole(point.value);
  if (point.kind == Kind::kGauge) return "value=" + number_text(point.value);
  return "count=" + whole(static_cast<double>(point.count)) + ",rate=" + number_text(point.value);
}

}  // namespace

std::string influx_lines(const MetricsSnapshot& snapshot) {
  const std::string end = " " + std::to_string(snapshot.at_us / 1000) + "\n";
  std::string out;
  for (const MetricGroup& group : snapshot.groups) {
    const std::string tags = tags_of(group);
    for (const MetricPoint& point : group.points) {
      const std::string fields = fields_of(point);
      if (fields.empty()) continue;
      out += cleaned(scope_name(group.scope), "_") + "_" + escaped(cleaned(point.name, "_-"));
      out += tags;
      out += ' ';
      out += fields;
      out += end;
    }
  }
  return out;
}

}  // namespace stream::metrics
