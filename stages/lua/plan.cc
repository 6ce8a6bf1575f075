#include <algorithm>

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

  bool read_state() {
    if (options_.has("state")) {
      settings_.state = parse_schema(options_.text("state"))->fields;
      if (settings_.by.empty()) {
        return fail("state", "state belongs to keys, and there are none", "name the columns of the key: `by: COLUMNS`");
      }
    }
    for (const Field& field : settings_.state) {
      for (const std::size_t column : settings_.by) {
        if (lower(input_.fields[column].name) != lower(field.name)) continue;
        return fail("state", "column '" + field.name + "' is part of the key already", "name it differently");
      }
    }
    if (!options_.has("ttl")) return true;
    settings_.ttl = options_.duration("ttl");
    if (settings_.state.empty()) return fail("ttl", "there is no state to forget", "declare it: `state: 'n bigint'`");
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

  void lay_out(const std::string& stage) {
    if (settings_.by.empty()) return;
    const std::string name = state_table_name(stage);
    StateColumnNames names;
    settings_.kept = keyed(name, names);
    for (const Field& field : settings_.state) settings_.kept.add_value({names.add(field.name), field.type}, "");
    if (settings_.ttl) {
      settings_.kept.definition = "kept for " + format_duration(*settings_.ttl);
      settings_.kept.add_value({names.add("written"), kTimestamp}, "event time");
      settings_.kept.ordered = settings_.kept.value.back().name;
    }
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
