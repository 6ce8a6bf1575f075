#include "stages/kit/format_values.h"

#include <limits>

#include "stages/format/avro_schema.h"
#include "transport/base/files.h"
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

void set_avro_framing(const Values& values, FormatOptions& options, std::vector<PlanError>& errors) {
  if (values.has("avro-framing")) {
    take(parse_avro_framing(values.text("avro-framing")), "avro-framing", options.avro_framing, errors);
  }
  if (values.has("avro-schema-id")) {
    const std::int64_t id = values.integer("avro-schema-id");
    if (id < 0 || id > std::numeric_limits<std::int32_t>::max()) {
      errors.push_back({"avro-schema-id", 0, "a registry numbers schemas from 0 to 2147483647", ""});
    } else {
      options.avro_schema_id = static_cast<std::uint32_t>(id);
    }
  }
  const bool framed = options.avro_framing != AvroFraming::kPlain;
  if (options.format != Format::kAvro && framed) {
    errors.push_back({"avro-framing", 0, "the messages are no Avro", "leave it out, or give format avro"});
  }
  if (options.avro_schema_id && options.avro_framing != AvroFraming::kConfluent) {
    errors.push_back({"avro-schema-id", 0, "only avro-framing confluent numbers schemas", "leave it out"});
  }
}

void read_avro_schema(const Values& values, const std::string& folder, FormatOptions& options,
                      std::vector<PlanError>& errors) {
  set_avro_framing(values, options, errors);
  const bool given = values.has("avro-schema");
  if (options.format != Format::kAvro) {
    if (given) errors.push_back({"avro-schema", 0, "the messages are no Avro", "leave it out, or give format avro"});
    return;
  }
  if (!given) {
    errors.push_back({"avro-schema", 0, "messages in Avro do not say what they hold",
                      "give the schema in which they were written: avro-schema FILE.avsc"});
    return;
  }
  const std::string& path = values.text("avro-schema");
  const bool absolute = path.starts_with('/') || folder.empty();
  auto text = system_files().read_file(absolute ? path : folder + "/" + path);
  auto schema = text.ok() ? format::AvroSchema::parse(*text) : Result<format::AvroSchema>(text.status());
  const auto columns = schema.ok() ? schema->columns() : Result<Schema>(schema.status());
  if (!columns.ok()) {
    errors.push_back({"avro-schema", 0, "'" + path + "': " + columns.status().what(), ""});
    return;
  }
  options.avro_schema = *std::move(text);
}

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
