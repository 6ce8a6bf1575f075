#include "cli/compare_pipeline.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "transport/base/text.h"

namespace stream {
namespace {

using nlohmann::ordered_json;

// No name in a manifest begins so.
constexpr const char* kCatcherPrefix = "_compare/";

Result<StageRole> role_of(const StageSpec& stage, Catalogue& catalogue) {
  STREAM_ASSIGN(const StageInfo* info, catalogue.find(stage.run));
  return info == nullptr ? StageRole::kOperator : info->role;
}

StageSpec catcher(const StageSpec& sink, const std::string& folder, bool wanted) {
  StageSpec stage{.name = catcher_of(sink.name), .run = wanted ? "write-file" : "write-null", .at = sink.at};
  stage.from = sink.from;
  if (wanted) stage.options = ordered_json{{"path", caught_file(folder, sink.name)}, {"format", "ndjson"}}.dump();
  stage.parallelism_given = true;
  return stage;
}

// The job it is a copy of may commit its positions under the same name, for others to see.
void forget_group(StageSpec& stage) {
  if (stage.run != "read-kafka") return;
  ordered_json options = ordered_json::parse(stage.options);
  options.erase("group");
  stage.options = options.dump();
}

struct Reader {
  const char* run;
  const char* option;
};
// What a server gives to one reader at a time.
constexpr Reader kReaders[] = {{"read-mqtt", "client-id"}, {"read-postgres", "slot"}};

std::string option_of(const StageSpec& stage, const char* name) {
  const ordered_json options = ordered_json::parse(stage.options);
  const auto it = options.find(name);
  if (it == options.end()) return "";
  return it->is_string() ? it->get<std::string>() : it->dump();
}

// Of columns, in one text or a list.
std::vector<std::string> key_option(const StageSpec& stage) {
  const ordered_json options = ordered_json::parse(stage.options);
  const auto it = options.find("key");
  std::vector<std::string> names;
  if (it == options.end()) return names;
  for (const ordered_json& part : it->is_array() ? *it : ordered_json::array({*it})) {
    if (!part.is_string()) return {};
    for (const std::string& name : split(part.get<std::string>(), ',')) names.emplace_back(trim(name));
  }
  return names;
}

bool has(const std::vector<std::string>& names, const std::string& name) {
  return std::ranges::find(names, name) != names.end();
}

}  // namespace

std::string catcher_of(const std::string& sink) { return kCatcherPrefix + sink; }

std::string caught_file(const std::string& folder, const std::string& sink) {
  std::string name = sink;
  std::ranges::replace(name, '/', '.');
  return folder + "/" + name + ".ndjson";
}

Result<CaughtPipeline> catch_sinks(const PipelineSpec& pipeline, Catalogue& catalogue, const std::string& job,
                                   const std::string& folder, const std::string& only) {
  CaughtPipeline caught{.spec = pipeline, .sinks = {}};
  std::vector<std::string> sinks;
  caught.spec.name = job;
  caught.spec.ad_hoc = false;
  caught.spec.tests.clear();
  caught.spec.savepoints = {};  // they are those of the job itself
  for (StageSpec& stage : caught.spec.stages) {
    STREAM_ASSIGN(const StageRole role, role_of(stage, catalogue));
    if (role == StageRole::kSource) forget_group(stage);
    if (role != StageRole::kSink) continue;
    const std::string name = stage.name;
    const bool wanted = only.empty() || only == name;
    sinks.push_back(name);
    if (wanted) caught.sinks.push_back(name);
    stage = catcher(stage, folder, wanted);
  }
  if (!caught.sinks.empty()) return caught;
  return usage_error("there is no sink '" + only + "'; there is " + join(sinks, ", "));
}

Status check_readers(const PipelineSpec& a, const PipelineSpec& b) {
  for (const StageSpec& stage : a.stages) {
    for (const Reader& reader : kReaders) {
      if (stage.run != reader.run) continue;
      const std::string name = option_of(stage, reader.option);
      const StageSpec* other = b.find(stage.name);
      if (name.empty() || other == nullptr || option_of(*other, reader.option) != name) continue;
      return usage_error("source '" + stage.name + "' has " + reader.option + " '" + name +
                         "' in both, and only one at a time can read with it: give each a name of its own with "
                         "--set-a stages." +
                         stage.name + "." + reader.option + "=NAME and --set-b");
    }
  }
  return {};
}

CaughtRows caught_rows(const JobPlan& plan, const std::string& stage, const PipelineSpec& original,
                       const std::string& sink) {
  CaughtRows rows;
  const auto it = std::ranges::find(plan.pipeline.stages, stage, &StageSpec::name);
  if (it == plan.pipeline.stages.end()) return rows;
  const auto& inputs = plan.stages[static_cast<std::size_t>(it - plan.pipeline.stages.begin())].inputs;
  if (inputs.empty()) return rows;
  const Schema& schema = inputs[0].schema;
  rows.columns = schema.names();
  for (const Field& field : schema.fields) {
    if (field.type.kind == TypeKind::kDouble) rows.reals.insert(field.name);
  }
  if (const StageSpec* spec = original.find(sink)) rows.key = key_option(*spec);
  const bool columns =
      std::ranges::all_of(rows.key, [&](const std::string& name) { return schema.find(name).has_value(); });
  if (!columns) rows.key.clear();
  if (rows.key.empty()) {
    for (const std::size_t column : schema.key) rows.key.push_back(schema.fields[column].name);
  }
  return rows;
}

ResultPair pair_of(const std::array<CaughtRows, 2>& rows, const std::array<std::string, 2>& files,
                   const std::string& sink, const DiffOptions& options) {
  ResultPair pair{.of = sink, .options = options};
  const auto both_have = [&](const std::string& name) {
    return std::ranges::all_of(rows, [&](const CaughtRows& side) { return has(side.columns, name); });
  };
  if (pair.options.key.empty() && rows[0].key == rows[1].key) pair.options.key = rows[0].key;
  std::erase_if(pair.options.key, [&](const std::string& name) { return !both_have(name); });
  std::erase_if(pair.options.ignore,
                [&](const std::string& name) { return !has(rows[0].columns, name) && !has(rows[1].columns, name); });
  for (std::size_t i = 0; i < 2; ++i) {
    pair.options.reals.insert(rows[i].reals.begin(), rows[i].reals.end());
    pair.places[i] = {.path = files[i], .columns = rows[i].columns, .growing = true};
  }
  return pair;
}

Status check_columns(const std::vector<ResultPair>& pairs, const DiffOptions& options) {
  std::set<std::string> all;
  for (const ResultPair& pair : pairs) {
    for (const ResultPlace& place : pair.places) {
      if (place.columns) all.insert(place.columns->begin(), place.columns->end());
    }
  }
  std::vector<std::string> named = options.key;
  named.insert(named.end(), options.ignore.begin(), options.ignore.end());
  for (const std::string& name : named) {
    if (!all.contains(name) && !pairs.empty()) {
      return usage_error("no sink that both have gets a column '" + name + "'" +
                         did_you_mean(name, std::vector<std::string>(all.begin(), all.end())));
    }
  }
  return {};
}

RunStages run_stages_of(const JobPlan& plan) {
  RunStages stages;
  for (std::size_t i = 0; i < plan.stages.size(); ++i) {
    const std::string& name = plan.pipeline.stages[i].name;
    if (plan.stages[i].role == StageRole::kSource) stages.sources.insert(name);
    if (plan.stages[i].role == StageRole::kSink) stages.sinks.insert(name);
  }
  return stages;
}

}  // namespace stream
