#include "stages/kit/format_values.h"

namespace stream {
namespace {

// Takes a value over, or says what is wrong with the option it comes from.
template <class T>
void take(Result<T> result, std::string_view option, T& to, std::vector<PlanError>& errors) {
  if (result.ok()) {
    to = *std::move(result);
  } else {
    errors.push_back({std::string(option), 0, result.status().what(), ""});
  }
}

// "pattern: bad …" -> option and message.
PlanError error_of(const Status& status) {
  const std::string& what = status.what();
  const std::size_t colon = what.find(": ");
  if (colon == std::string::npos) return {"format", 0, what, ""};
  return {what.substr(0, colon), 0, what.substr(colon + 2), ""};
}

}  // namespace

FormatOptions format_options_of(const Values& values, std::string_view path, std::vector<PlanError>& errors) {
  FormatOptions options;
  options.format = format_from_path(path);
  options.delimiter = delimiter_from_path(path);
  const std::size_t before = errors.size();
  if (values.has("format")) take(parse_format(values.text("format")), "format", options.format, errors);
  if (values.has("delimiter")) take(parse_delimiter(values.text("delimiter")), "delimiter", options.delimiter, errors);
  options.header = values.text("header") != "none";
  options.pattern = values.text("pattern");
  if (values.has("zone")) options.zone = values.text("zone");
  options.time_format = values.text("time-format");
  take(parse_time_unit(values.text("time-unit")), "time-unit", options.time_unit, errors);
  if (values.has("unknown-fields")) {
    take(parse_unknown_fields(values.text("unknown-fields")), "unknown-fields", options.unknown_fields, errors);
  }
  if (values.has("record-size-max")) options.record_size_max = values.size("record-size-max");
  if (errors.size() == before) {
    if (const Status status = check_format_options(options); !status.ok()) errors.push_back(error_of(status));
  }
  return options;
}

}  // namespace stream
