#include "stages/format/avro_schema.h"
#include "stages/write-file/object_parts.h"
#include "stages/write-file/one_file.h"
#include "stages/write-file/parts.h"
#include "stages/write-file/settings.h"
#include "stages/write-file/success.h"
#include "storage/place.h"

namespace stream {
namespace {

void set_format(const Values& options, FileSettings& settings, std::vector<PlanError>& errors) {
  if (settings.path.ends_with(".gz") || settings.path.ends_with(".zst")) {
    errors.push_back({"path", 0, "'" + settings.path + "' would not be compressed", "leave out the last ending"});
  }
  const Format by_path = format_from_path(settings.path);
  const std::string by_ending = by_path == Format::kCsv ? "csv" : by_path == Format::kAvro ? "avro" : "ndjson";
  settings.extension = options.has("format") ? options.text("format") : by_ending;
  settings.encoder.format = settings.extension == "csv"    ? OutputFormat::kCsv
                            : settings.extension == "avro" ? OutputFormat::kAvro
                                                           : OutputFormat::kNdjson;
  settings.encoder.delimiter = delimiter_from_path(settings.path);
  settings.encoder.header = options.text("header") != "none";
  if (!options.has("delimiter")) return;
  const auto delimiter = parse_delimiter(options.text("delimiter"));
  if (!delimiter.ok())
    errors.push_back({"delimiter", 0, delimiter.status().what(), ""});
  else
    settings.encoder.delimiter = *delimiter;
}

void set_avro(const Values& options, const Schema& schema, FileSettings& settings, std::vector<PlanError>& errors) {
  if (settings.encoder.format != OutputFormat::kAvro) {
    if (options.has("codec")) {
      errors.push_back({"codec", 0, "only blocks of Avro are compressed", "leave it out, or give format avro"});
    }
    return;
  }
  if (options.has("codec")) settings.encoder.avro_codec = *format::parse_avro_codec(options.text("codec"));
  settings.encoder.header = true;
  const auto text = format::avro_schema_of(schema, settings.encoder.row_kinds);
  if (!text.ok()) errors.push_back({"format", 0, text.status().what(), "rename it: select '\"odd name\" as name'"});
}

void set_by(const Values& options, const Schema& schema, FileSettings& settings, std::vector<PlanError>& errors) {
  if (!options.has("by")) return;
  std::vector<SelectText> items;
  for (const SelectItem& item : options.select("by")) items.push_back({item.name, item.text});
  SelectError error;
  auto columns = compile_select(items, schema, &error);
  if (columns)
    settings.by = *std::move(columns);
  else
    errors.push_back({"by", error.error.offset, error.error.message, error.error.hint});
}

void check_success(const FileSettings& settings, const Schema& schema, std::vector<PlanError>& errors) {
  if (!settings.parts) {
    errors.push_back(
        {"success-after", 0, "one file has no folders that could be complete", "write the path with a / at its end"});
  }
  if (!schema.time) {
    errors.push_back({"success-after", 0, "the input has no event time by which a folder could be complete",
                      "name a column of its source with time"});
  }
}

void set_storage(FileSettings& settings, std::vector<PlanError>& errors) {
  settings.storage = settings.path;
  settings.path.resize(std::min(settings.path.find('?'), settings.path.size()));
  const auto place = parse_storage(settings.storage);
  if (!place.ok()) errors.push_back({"path", 0, place.status().what(), ""});
}

void check_storage(const Values& options, const FileSettings& settings, std::vector<PlanError>& errors) {
  if (!settings.parts) {
    errors.push_back({"path", 0, "an object cannot grow from checkpoint to checkpoint",
                      "write the key with a / at its end, for a folder of parts"});
  }
  if (options.has("success-after")) {
    errors.push_back({"success-after", 0, "no _SUCCESS is made in object storage", "leave it out"});
  }
}

}  // namespace

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

FileSettings file_settings(const Values& options, const std::string& folder, const Schema& schema,
                           std::vector<PlanError>& errors) {
  FileSettings settings;
  const std::string& path = options.text("path");
  settings.path = located(folder, path);
  if (is_object_url(settings.path)) set_storage(settings, errors);
  settings.parts = settings.path.ends_with('/');
  while (settings.path.size() > 1 && settings.path.ends_with('/')) settings.path.pop_back();
  set_format(options, settings, errors);
  set_by(options, schema, settings, errors);
  settings.encoder.row_kinds = schema.changelog == Changelog::kUpdates;
  set_avro(options, schema, settings, errors);
  const std::string& exists = options.text("if-exists");
  settings.if_exists = exists == "append"    ? IfExists::kAppend
                       : exists == "replace" ? IfExists::kReplace
                                             : IfExists::kFail;
  if (options.has("roll-size")) settings.roll_size = options.size("roll-size");
  if (options.has("roll-every")) settings.roll_every = options.duration("roll-every");
  if (options.has("success-after")) {
    settings.success_after = options.duration("success-after");
    check_success(settings, schema, errors);
  }
  if (!settings.storage.empty()) check_storage(options, settings, errors);
  if (!settings.by.empty() && !settings.parts) {
    errors.push_back(
        {"by", 0, "'" + path + "' is one file; rows are spread over folders", "write the path with a / at its end"});
  }
  return settings;
}

PlanAnswer plan_write_file(const PlanRequest& request) {
  PlanAnswer answer;
  answer.cacheable = true;
  const Schema& schema = request.inputs[0].schema;
  const FileSettings settings = file_settings(request.options, request.folder, schema, answer.errors);
  InputPlan input;
  input.needs = schema.names();
  // The changes of one row stay in order when one instance writes them.
  if (schema.changelog == Changelog::kUpdates && !schema.key.empty()) {
    input.partition = Partition::kHash;
    for (const std::size_t column : schema.key) input.partition_columns.push_back(schema.fields[column].name);
  }
  answer.inputs.push_back(std::move(input));
  answer.state.push_back(!settings.storage.empty() ? objects_spec() : settings.parts ? parts_spec() : lengths_spec());
  if (settings.success_after) {
    answer.state.push_back(folders_spec());
    answer.parallelism_max = 1;
    answer.parallelism_why = "with 'success-after' one instance writes a folder's rows, so that it knows its last";
  }
  answer.writes.push_back({"path", settings.path, settings.parts});
  answer.goes_back = GoesBack::kAll;
  answer.visible = settings.parts ? "when a part is rolled, at the checkpoint behind it" : "at each checkpoint";
  if (!settings.parts) {
    answer.parallelism_max = 1;
    answer.parallelism_why = "one file has one writer; end the path in / for a folder of parts";
  }
  return answer;
}

}  // namespace stream
