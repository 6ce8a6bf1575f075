#include "cli/compare_report.h"

#include <charconv>
#include <cmath>

#include "cli/live_comparison.h"
#include "transport/base/text.h"

namespace stream {
namespace {

using nlohmann::ordered_json;

std::vector<std::string> listed(const VerbValues& values, std::string_view name) {
  std::vector<std::string> all;
  for (const std::string& value : values.list(name)) {
    for (const std::string& one : split(value, ',')) {
      if (!trim(one).empty()) all.emplace_back(trim(one));
    }
  }
  return all;
}

Result<double> tolerance_of(const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size() && std::isfinite(value) && value >= 0) return value;
  return usage_error("'" + text + "' is no tolerance: give a number such as 1e-9");
}

}  // namespace

Result<CompareSettings> compare_settings(const VerbValues& values) {
  CompareSettings settings;
  settings.print.as_json = values.flag("json");
  if (values.has("limit"))
    settings.print.limit = static_cast<std::uint64_t>(values.integer("limit"));
  else if (!settings.print.as_json)
    settings.print.limit = 20;
  settings.diff.key = listed(values, "key");
  for (std::string& column : listed(values, "ignore")) settings.diff.ignore.insert(std::move(column));
  if (values.has("tolerance")) { STREAM_ASSIGN(settings.diff.tolerance, tolerance_of(values.text("tolerance"))); }
  for (const std::string& column : settings.diff.key) {
    if (settings.diff.ignore.contains(column))
      return usage_error("column '" + column + "' cannot be the key and be ignored");
  }
  settings.table = values.text("table");
  settings.stage = values.text("stage");
  return settings;
}

Status CompareReport::add(ResultComparison& comparison) {
  const std::string& of = comparison.of();
  for (const std::string& note : comparison.diff().notes()) STREAM_TRY(missing(of, note));
  DifferencePrinter printer(settings_.print, of, comparison.diff().columns());
  STREAM_ASSIGN(const DiffCounts counts, comparison.diff().finish(printer));
  return counted(of, counts, printer.left_out(), !comparison.diff().notes().empty());
}

Status CompareReport::missing(const std::string& of, const std::string& what) {
  equal_ = false;
  if (settings_.print.as_json) return print_json_line({{"of", of}, {"difference", "schema"}, {"what", what}});
  return print_line("! " + of + ": " + what);
}

Status CompareReport::remark(const std::string& of, const std::string& what) {
  if (settings_.print.as_json) return print_json_line({{"of", of}, {"remark", what}});
  return print_line("# " + of + ": " + what);
}

Status CompareReport::counted(const std::string& of, const DiffCounts& counts, std::uint64_t left_out, bool noted) {
  equal_ = equal_ && counts.equal() && !noted;
  ordered_json line = {{"of", of}};
  line.update(to_json(counts));
  line["equal"] = counts.equal() && !noted;
  results_.push_back(std::move(line));
  if (settings_.print.as_json) return {};
  if (left_out > 0 && settings_.print.limit > 0) {
    STREAM_TRY(print_line("… " + std::to_string(left_out) + " more; --limit says how many are printed"));
  }
  return print_line(of + ": " + sentence(counts, noted));
}

Status CompareReport::performance(const RunFigures& a, const RunFigures& b, const std::string& how) {
  performance_ = {{"a", to_json(a)}, {"b", to_json(b)}, {"how", how}};
  if (settings_.print.as_json) return {};
  STREAM_TRY(print_line(""));
  for (const std::string& line : performance_lines(a, b)) STREAM_TRY(print_line(line));
  return print_line("# " + how);
}

Status CompareReport::finish() {
  if (!settings_.print.as_json) return {};
  ordered_json line = {{"equal", equal_}, {"results", results_}};
  if (!performance_.is_null()) line["performance"] = performance_;
  return print_json_line(line);
}

}  // namespace stream
