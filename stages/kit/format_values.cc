#include "stages/kit/format_values.h"

#include "transport/base/text.h"

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
  options.key = values.list("key");
  if (options.key.empty() && is_changelog(options.format)) {
    errors.push_back({"key", 0, "debezium-json needs the columns that identify a row", "give --key id"});
  }
  if (errors.size() == before) {
    if (const Status status = check_format_options(options); !status.ok()) errors.push_back(error_of(status));
  }
  return options;
}

void set_changelog(const FormatOptions& format, Schema& schema, std::vector<PlanError>& errors) {
  if (!is_changelog(format.format)) {
    if (format.key.empty()) return;
    errors.push_back({"key", 0, "records of format " + std::string(format_name(format.format)) + " change no rows",
                      "leave it out, or give format debezium-json"});
    return;
  }
  schema.changelog = Changelog::kUpdates;
  for (const std::string& name : format.key) {
    if (const auto column = schema.find(name)) {
      schema.key.push_back(*column);
      continue;
    }
    errors.push_back({"key", 0, "no column '" + name + "'" + did_you_mean(name, schema.names()),
                      "there are: " + join(schema.names(), ", ")});
  }
}

}  // namespace stream
