// Where rows go.
#include <filesystem>

#include "supervisor/flink/select.h"
#include "supervisor/flink/stage.h"
#include "supervisor/flink/words.h"
#include "transport/base/text.h"

namespace stream::flink {
namespace {

// A table of the columns of the input, and what fills it.
Relation fill(Stage& stage, Table table, const std::vector<std::string>& values) {
  table.name = stage.name();
  table.comment = stage.comment();
  if (table.columns.empty()) table.columns = stage.column_definitions(stage.input().schema);
  stage.add_table(std::move(table));
  stage.output().inserts.push_back("INSERT INTO " + stage.name() + "\nSELECT " + stream::join(values, ", ") +
                                   "\nFROM " + stage.input().name);
  return {};
}

void require_append(Stage& stage, const std::string& advice) {
  if (stage.input().changes) stage.refuse_stage("rows that may be taken back cannot be written there by Flink", advice);
}

// Decimals are texts in JSON here.
std::vector<std::string> json_values(Stage& stage, Table& table) {
  const Schema& schema = stage.input().schema;
  std::vector<std::string> values;
  table.columns = stage.column_definitions(schema);
  for (std::size_t i = 0; i < schema.fields.size(); ++i) {
    const std::string name = quoted_name(schema.fields[i].name);
    const bool decimal = schema.fields[i].type.kind == TypeKind::kDecimal;
    if (decimal) table.columns[i] = name + " STRING";
    if (schema.fields[i].type == kJson)
      stage.refuse_stage("column '" + schema.fields[i].name + "' is JSON, which Flink would write as a text",
                         "leave it out");
    values.push_back(decimal ? "CAST(" + name + " AS STRING)" : name);
  }
  return values;
}

std::vector<std::string> add_format(Stage& stage, Table& table, const std::string& format) {
  if (format == "json" || format == "ndjson") {
    table.options.emplace_back("format", "json");
    table.options.emplace_back("json.timestamp-format.standard", "ISO-8601");
    return json_values(stage, table);
  }
  if (format != "csv")
    stage.refuse("format", "format '" + format + "' has no exact counterpart in Flink", "ndjson and csv have one");
  table.options.emplace_back("format", "csv");
  const std::string delimiter = stage.text("delimiter", ",");
  if (delimiter != ",") table.options.emplace_back("csv.field-delimiter", delimiter == "tab" ? "\t" : delimiter);
  for (const Field& field : stage.input().schema.fields) {
    if (field.type == kTimestamp)
      stage.refuse_stage("column '" + field.name + "' is a TIMESTAMP, which Flink writes otherwise in CSV",
                         "write NDJSON");
  }
  return column_names(stage.input().schema);
}

}  // namespace

Relation print(Stage& stage) {
  return fill(stage,
              {.name = {}, .columns = {}, .options = {{"connector", "print"}, {"print-identifier", stage.spec().name}}},
              column_names(stage.input().schema));
}

Relation write_null(Stage& stage) {
  return fill(stage, {.name = {}, .columns = {}, .options = {{"connector", "blackhole"}}},
              column_names(stage.input().schema));
}

Relation write_file(Stage& stage) {
  const std::string path = stage.text("path");
  require_append(stage, "print them, or write the table somewhere that has keys");
  if (stage.text("if-exists", "append") == "replace")
    stage.refuse("if-exists", "Flink adds files to a folder, and replaces none", "leave it out, and empty the folder");
  const std::string absolute = (std::filesystem::path(stage.folder()) / path).lexically_normal().string();
  Table table{.name = {}, .columns = {}, .options = {{"connector", "filesystem"}, {"path", "file://" + absolute}}};
  const std::string format = stage.text("format", path.ends_with(".csv") || path.ends_with(".tsv") ? "csv"
                                                  : path.ends_with(".avro")                        ? "avro"
                                                                                                   : "ndjson");
  if (format == "csv" && stage.text("header", "first") == "first")
    stage.refuse("header", "Flink writes no line with the names of the columns", "write 'header: none'");
  std::vector<std::string> values = add_format(stage, table, format);
  if (const auto every = stage.duration("roll-every"))
    table.options.emplace_back("sink.rolling-policy.rollover-interval", duration_text(*every));
  if (const auto size = parse_size(stage.text("roll-size")); stage.has("roll-size") && size.ok())
    table.options.emplace_back("sink.rolling-policy.file-size", std::to_string(*size) + "b");
  return fill(stage, std::move(table), values);
}

Relation write_kafka(Stage& stage) {
  require_append(stage, "give Flink's upsert-kafka the table in a script of your own");
  Table table{.name = {},
              .columns = {},
              .options = {{"connector", "kafka"},
                          {"topic", stage.text("topic")},
                          {"properties.bootstrap.servers",
                           stage.has("servers") ? stream::join(stage.list("servers"), ",") : "127.0.0.1:9092"},
                          {"sink.delivery-guarantee", "exactly-once"}}};
  // The most that brokers allow unless they are told otherwise; Flink would want an hour.
  table.options.emplace_back("properties.transaction.timeout.ms", "900000");
  table.options.emplace_back(
      "sink.transactional-id-prefix",
      stage.text("transactional-id", "stream." + stage.pipeline().name + "." + stage.spec().name));
  const std::vector<std::string> values = add_format(stage, table, stage.text("format", "json"));
  if (stage.has("key")) {
    const auto column = stage.input().schema.find(stage.text("key"));
    if (!column || stage.input().schema.fields[*column].type != kVarchar)
      stage.refuse("key", "only a VARCHAR column is the same key in Flink", "cast it in a select in front");
    table.options.emplace_back("key.format", "raw");
    table.options.emplace_back("key.fields", stage.text("key"));
  }
  return fill(stage, std::move(table), values);
}

}  // namespace stream::flink
