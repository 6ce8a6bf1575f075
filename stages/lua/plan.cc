#include <algorithm>
#include <span>

#include "stages/kit/option_columns.h"
#include "stages/kit/state_names.h"
#include "stages/lua/script.h"
#include "stages/lua/settings.h"
#include "transport/base/files.h"
#include "transport/base/text.h"

namespace stream {
namespace {

class Settler {
 public:
  Settler(const Values& options, const Schema& input, PlanError* error)
      : options_(options), input_(input), error_(error) {}

  bool run(const std::string& folder, const std::string& stage) {
    if (!read_script(folder) || !read_key() || !read_state()) return false;
    lay_out(stage);
    read_results();
    return true;
  }
  LuaSettings& settings() { return settings_; }

 private:
  bool fail(std::string option, std::string message, std::string hint) {
    *error_ = {std::move(option), 0, std::move(message), std::move(hint)};
    return false;
  }

  bool read_script(const std::string& folder) {
    if (options_.has("script") == options_.has("code")) {
      return fail("script", "either a script or code is needed, and not both",
                  "name a file, or give --code 'function on_row(row, state, emit) … end'");
    }
    const bool file = options_.has("script");
    settings_.name = file ? options_.text("script") : "code";
    settings_.text = options_.text("code");
    if (file) {
      const std::string& path = settings_.name;
      auto text = system_files().read_file(path.starts_with('/') ? path : folder + "/" + path);
      if (!text.ok()) return fail("script", text.status().what(), "");
      settings_.text = *std::move(text);
    }
    const Status good = Script::check(settings_.text, settings_.name);
    return good.ok() || fail(file ? "script" : "code", good.what(), "");
  }

  bool read_key() {
    if (input_.changelog == Changelog::kUpdates) {
      return fail("", "the input's rows may be taken back, and a script is not told", "put it before what updates");
    }
    return !options_.has("by") || find_columns(options_, "by", input_, &settings_.by, error_);
  }

  bool read_fields(const std::string& option, std::vector<Field>& fields) {
    if (!options_.has(option)) return true;
    fields = parse_schema(options_.text(option))->fields;
    if (settings_.by.empty()) {
      return fail(option, "state belongs to keys, and there are none", "name the columns of the key: `by: COLUMNS`");
    }
    for (const Field& field : fields) {
      for (const std::size_t column : settings_.by) {
        if (lower(input_.fields[column].name) != lower(field.name)) continue;
        return fail(option, "column '" + field.name + "' is part of the key already", "name it differently");
      }
    }
    return true;
  }

  bool read_state() {
    if (!read_fields("state", settings_.state) || !read_fields("entries", settings_.entries)) return false;
    if (!settings_.entries.empty()) {
      const Field& item = settings_.entries[0];
      const bool good = item.type == kVarchar || item.type == kBigint || item.type == kTimestamp;
      if (!good) {
        return fail("entries", "the first column, '" + item.name + "', names an entry and is " + to_string(item.type),
                    "make it VARCHAR, BIGINT or TIMESTAMP");
      }
    }
    if (!options_.has("ttl")) return true;
    settings_.ttl = options_.duration("ttl");
    if (settings_.state.empty() && settings_.entries.empty())
      return fail("ttl", "there is no state to forget", "declare it: `state: 'n bigint'`");
    if (*settings_.ttl < 0) return fail("ttl", "state cannot be kept for less than no time", "");
    if (input_.time) return true;
    return fail("ttl", "state ages by event time, and the input has none",
                "name the column that holds it on the stage that reads the records: `time: COLUMN`");
  }

  TableSpec keyed(const std::string& name, StateColumnNames& names) const {
    TableSpec table;
    table.name = name;
    for (const std::size_t column : settings_.by) {
      table.key.push_back({names.add(input_.fields[column].name), input_.fields[column].type});
    }
    return table;
  }

  TableSpec timed(const std::string& name) const {
    StateColumnNames names;
    TableSpec table = keyed(name, names);
    table.group_columns = table.key.size();
    table.key.push_back({names.add("due"), kTimestamp});
    table.ordered = table.key.back().name;
    return table;
  }

  void add_values(TableSpec& table, std::span<const Field> fields, StateColumnNames& names) const {
    for (const Field& field : fields) table.add_value({names.add(field.name), field.type}, "");
    if (!settings_.ttl) return;
    table.definition = "kept for " + format_duration(*settings_.ttl);
    table.add_value({names.add("written"), kTimestamp}, "event time");
    table.ordered = table.value.back().name;
  }

  void lay_out_entries(const std::string& name) {
    StateColumnNames names;
    TableSpec& table = settings_.entry_table;
    table = keyed(name, names);
    table.group_columns = table.prefix = table.key.size();
    table.key.push_back({names.add(settings_.entries[0].name), settings_.entries[0].type});
    add_values(table, std::span(settings_.entries).subspan(1), names);
  }

  void lay_out(const std::string& stage) {
    if (settings_.by.empty()) return;
    const std::string name = state_table_name(stage);
    StateColumnNames names;
    settings_.kept = keyed(name, names);
    add_values(settings_.kept, settings_.state, names);
    if (!settings_.entries.empty()) lay_out_entries(name + "_entries");
    settings_.timers = timed(name + "_timers");
    settings_.alarms = timed(name + "_alarms");
  }

  void read_results() {
    Schema& out = settings_.results;
    out.fields = options_.has("schema") ? parse_schema(options_.text("schema"))->fields : input_.fields;
    if (!input_.time) return;
    const auto time = out.find(input_.fields[*input_.time].name);
    if (time && out.fields[*time].type == kTimestamp) out.time = time;
  }

  const Values& options_;
  const Schema& input_;
  PlanError* error_;
  LuaSettings settings_;
};

}  // namespace

std::optional<LuaSettings> lua_settings(const Values& options, const Schema& input, const std::string& folder,
                                        const std::string& stage, PlanError* error) {
  Settler settler(options, input, error);
  if (!settler.run(folder, stage)) return std::nullopt;
  return std::move(settler.settings());
}

PlanAnswer plan_lua(const PlanRequest& request) {
  PlanAnswer answer;
  answer.cacheable = !request.options.has("script");  // which may change
  PlanError error;
  const Schema& input = request.inputs[0].schema;
  auto settings = lua_settings(request.options, input, request.folder, request.stage, &error);
  if (!settings) {
    answer.errors.push_back(std::move(error));
    return answer;
  }
  InputPlan plan;
  plan.needs = input.names();
  if (!settings->by.empty()) {
    plan.partition = Partition::kHash;
    for (const std::size_t column : settings->by) plan.partition_columns.push_back(input.fields[column].name);
    if (!settings->state.empty()) answer.state.push_back(settings->kept);
    if (!settings->entries.empty()) answer.state.push_back(settings->entry_table);
    answer.state.push_back(settings->timers);
    answer.state.push_back(settings->alarms);
  }
  OutputPlan output{"out", std::move(settings->results), {}};
  output.lineage.resize(output.schema.fields.size());
  answer.outputs.push_back(std::move(output));
  answer.inputs.push_back(std::move(plan));
  return answer;
}

}  // namespace stream
