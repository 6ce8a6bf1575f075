// Where rows come from: tables with a connector, and their event time.
#include <algorithm>
#include <filesystem>

#include "supervisor/flink/select.h"
#include "supervisor/flink/stage.h"
#include "supervisor/flink/words.h"
#include "transport/base/text.h"

namespace stream::flink {

using expression::Failure;

namespace {

constexpr Microseconds kMillisecond = 1000;

// A window ends there once the watermark is a millisecond in front of its end, and here once it is at its end.
void add_event_time(Stage& stage, Table& table, const std::string& time) {
  const std::string& name = stage.output().event_time;
  table.columns.push_back(name + " AS CAST(" + time + " AS TIMESTAMP_LTZ(3))");
  const Microseconds behind = stage.duration("out-of-order").value_or(0) + kMillisecond;
  const auto interval = interval_text(behind);
  if (!interval) stage.refuse("out-of-order", "event time has milliseconds in Flink", "give whole ones");
  table.columns.push_back("WATERMARK FOR " + name + " AS " + name + " - " + interval.value_or(""));
}

void check_times(Stage& stage) {
  const std::string zone = stage.text("zone", "UTC");
  if (zone != "UTC")
    stage.refuse("zone", "Flink reads times without an offset as UTC only in this script",
                 "write times with their offset, Z");
}

Relation relation_of(Stage& stage, std::size_t table, bool timed, bool changes = false) {
  return {stage.name(), stage.schema(), timed, changes, table};
}

Relation finish(Stage& stage, Table table) {
  const auto time = stage.schema().time;
  if (time) add_event_time(stage, table, quoted_name(stage.schema().fields[*time].name));
  stage.add_table(std::move(table));
  return relation_of(stage, stage.output().tables.size() - 1, time.has_value());
}

void add_csv(Stage& stage, Table& table, const Schema& schema) {
  table.options.emplace_back("format", "csv");
  const std::string delimiter = stage.text("delimiter", ",");
  if (delimiter != ",") table.options.emplace_back("csv.field-delimiter", delimiter == "tab" ? "\t" : delimiter);
  for (const Field& field : schema.fields) {
    if (field.type == kTimestamp)
      stage.refuse_stage("column '" + field.name + "' is a TIMESTAMP, which Flink reads otherwise in CSV",
                         "give NDJSON");
  }
}

void add_json(Table& table) {
  table.options.emplace_back("format", "json");
  table.options.emplace_back("json.timestamp-format.standard", "ISO-8601");
}

std::string format_of(Stage& stage, const std::string& path) {
  const std::string given = stage.text("format");
  if (!given.empty()) return given == "json" ? "ndjson" : given;
  for (const auto& [ending, format] : {std::pair{".csv", "csv"},
                                       {".tsv", "csv"},
                                       {".avro", "avro"},
                                       {".logfmt", "logfmt"},
                                       {".log", "text"},
                                       {".txt", "text"}}) {
    if (path.ends_with(ending)) return format;
  }
  return "ndjson";
}

void add_format(Stage& stage, Table& table, const std::string& path, const Schema& schema) {
  const std::string format = format_of(stage, path);
  if (format == "ndjson") return add_json(table);
  if (format == "csv") return add_csv(stage, table, schema);
  if (format == "text") return table.options.emplace_back("format", "raw"), void();
  stage.refuse("format", "format '" + format + "' has no exact counterpart in Flink", "ndjson, csv and text have one");
}

}  // namespace

Table file_table(Stage& stage, std::string_view suffix, const Schema& schema) {
  const std::string path = stage.text("path");
  if (path.find_first_of("*?[") != std::string::npos)
    stage.refuse("path", "Flink takes a file or a folder, and no pattern of names", "give the folder");
  const bool csv = format_of(stage, path) == "csv";
  if (csv && stage.text("header", "first") == "first")
    stage.refuse("header", "Flink reads the first line of a CSV file as a record",
                 "give files without, and 'header: none'");
  check_times(stage);
  const std::string absolute = (std::filesystem::path(stage.folder()) / path).lexically_normal().string();
  Table table{.name = stage.name(suffix), .comment = stage.comment(), .columns = stage.column_definitions(schema)};
  table.options = {{"connector", "filesystem"}, {"path", "file://" + absolute}};
  add_format(stage, table, path, schema);
  if (path.ends_with(".tsv") && !stage.has("delimiter")) table.options.emplace_back("csv.field-delimiter", "\t");
  return table;
}

Relation read_file(Stage& stage) {
  if (stage.text("path") == "-") stage.refuse("path", "a Flink job has no standard input", "give a file or a folder");
  return finish(stage, file_table(stage, "", stage.schema()));
}

Relation read_kafka(Stage& stage) {
  Table table{.name = stage.name(), .comment = stage.comment(), .columns = stage.column_definitions(stage.schema())};
  table.options = {{"connector", "kafka"},
                   {"topic", stream::join(stage.list("topic"), ";")},
                   {"properties.bootstrap.servers",
                    stage.has("servers") ? stream::join(stage.list("servers"), ",") : "127.0.0.1:9092"}};
  const std::string start = stage.text("start", "earliest");
  if (start != "earliest" && start != "latest")
    stage.refuse("start", "a time to start with is a number in Flink", "earliest and latest have a counterpart");
  table.options.emplace_back("scan.startup.mode", start + "-offset");
  if (stage.flag("stop-at-end")) table.options.emplace_back("scan.bounded.mode", "latest-offset");
  table.options.emplace_back("properties.isolation.level", stage.text("isolation", "read_committed"));
  if (stage.has("group")) table.options.emplace_back("properties.group.id", stage.text("group"));
  if (const auto every = stage.duration("discover-every"))
    table.options.emplace_back("scan.topic-partition-discovery.interval", duration_text(*every));
  check_times(stage);
  add_format(stage, table, "", stage.schema());
  return finish(stage, std::move(table));
}

Relation generate(Stage& stage) {
  const auto rows = parse_integer(stage.text("rows", "0"));
  if (!stage.has("rows"))
    stage.refuse("rows", "a row number that counts for ever has no counterpart in Flink", "give 'rows'");
  const Schema numbers{.fields = {{"n", kBigint}, {"random", kBigint}, {"uniform", kDouble}}, .time = {}, .key = {}};
  const expression::Scope scope{.schema = &numbers};
  if (stage.flag("nexmark")) {
    stage.refuse("nexmark", "Flink has no such source", "write the events to files first, and read those");
    return {stage.name(), stage.schema(), false, false, {}};
  }
  std::vector<std::string> columns = select_list(stage, "columns", scope, {"n", "random", "uniform"}, {});
  if (!stage.has("columns")) columns = {"n", "random"};
  for (const std::string& column : columns) {
    if (column.find("random") != std::string::npos || column.find("uniform") != std::string::npos) {
      stage.refuse("columns", "Flink makes up other random numbers", "compute with n alone");
      break;
    }
  }
  Table table{.name = stage.name("-numbers"), .comment = stage.comment(), .columns = {"n BIGINT"}};
  table.options = {{"connector", "datagen"},
                   {"rows-per-second", stage.text("rate", "1000000000")},
                   {"number-of-rows", stage.text("rows", "0")},
                   {"fields.n.kind", "sequence"},
                   {"fields.n.start", "0"},
                   {"fields.n.end", std::to_string(rows.ok() ? *rows - 1 : 0)}};
  const auto time = stage.schema().time;
  if (time && *time < columns.size()) {
    const std::string& written = columns[*time];
    const std::string suffix = " AS " + quoted_name(stage.schema().fields[*time].name);
    add_event_time(stage, table,
                   written.ends_with(suffix) ? written.substr(0, written.size() - suffix.size()) : written);
    columns.push_back(stage.output().event_time);
  }
  stage.add_table(std::move(table));
  return stage.add_view(columns, "FROM " + stage.name("-numbers"), time.has_value(), false);
}

// Watermarks belong to a table there, so the source in front gets them.
Relation assign_time(Stage& stage) {
  const Relation& input = stage.input();
  const expression::Scope scope{.schema = &input.schema};
  std::vector<std::string> columns = column_names(input.schema);
  std::string time;
  try {
    ExpressionWriter writer(scope, columns);
    const expression::Ast tree = expression::parse_expression(stage.text("time"), input.schema.names());
    if (writer.type_of(tree) != kTimestamp)
      stage.refuse("time", "only a TIMESTAMP can be the event time in Flink", "let the source read it as one");
    time = writer.exact(tree);
  } catch (const Failure& failure) { stage.refuse("time", failure); }
  if (!input.table || input.event_time) {
    stage.refuse_stage("event time is assigned at a source in Flink", "put it directly behind one that has no 'time'");
    return {stage.name(), stage.schema(), true, false, {}};
  }
  check_times(stage);
  add_event_time(stage, stage.output().tables[*input.table], time);
  if (stage.schema().fields.size() > columns.size()) columns.push_back(named(time, stage.schema().fields.back().name));
  columns.push_back(stage.output().event_time);
  return stage.add_view(columns, "FROM " + input.name, true, false);
}

}  // namespace stream::flink
