#include "supervisor/pipeline.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "supervisor/manifest_autoscale.h"
#include "supervisor/manifest_hosts.h"
#include "supervisor/manifest_log.h"
#include "supervisor/manifest_metrics.h"
#include "transport/base/text.h"

namespace stream {
namespace {

using nlohmann::ordered_json;

constexpr std::array kStrategies = {RestartStrategy::kNone, RestartStrategy::kFixedDelay, RestartStrategy::kFailureRate,
                                    RestartStrategy::kExponentialDelay};

ordered_json to_json(const Place& place) { return ordered_json::array({place.file, place.line, place.column}); }
Place place_from(const ordered_json& json) { return {json.at(0), json.at(1), json.at(2)}; }

ordered_json to_json(const CheckpointSpec& spec) {
  return {{"enabled", spec.enabled},     {"interval-us", spec.interval},
          {"timeout-us", spec.timeout},  {"min-pause-us", spec.min_pause},
          {"keep", spec.keep},           {"path", spec.path},
          {"mode", mode_name(spec.mode)}};
}

CheckpointSpec checkpoint_from(const ordered_json& json) {
  CheckpointSpec spec{.enabled = json.at("enabled"),
                      .interval = json.at("interval-us"),
                      .timeout = json.at("timeout-us"),
                      .min_pause = json.at("min-pause-us"),
                      .keep = json.at("keep"),
                      .path = json.value("path", std::string()),
                      .mode = CheckpointMode::kExactlyOnce};
  if (json.at("mode") == mode_name(CheckpointMode::kAtLeastOnce)) spec.mode = CheckpointMode::kAtLeastOnce;
  return spec;
}

ordered_json to_json(const RestartSpec& spec) {
  return {{"strategy", strategy_name(spec.strategy)},
          {"attempts", spec.attempts},
          {"delay-us", spec.delay},
          {"failures", spec.failures},
          {"within-us", spec.within},
          {"initial-us", spec.initial},
          {"max-us", spec.max},
          {"multiplier", spec.multiplier},
          {"jitter", spec.jitter},
          {"heartbeat-us", spec.heartbeat}};
}

RestartSpec restart_from(const ordered_json& json) {
  RestartSpec spec{.strategy = {},
                   .attempts = json.at("attempts"),
                   .delay = json.at("delay-us"),
                   .failures = json.at("failures"),
                   .within = json.at("within-us"),
                   .initial = json.at("initial-us"),
                   .max = json.at("max-us"),
                   .multiplier = json.at("multiplier"),
                   .jitter = json.at("jitter"),
                   .heartbeat = json.at("heartbeat-us")};
  for (const RestartStrategy strategy : kStrategies) {
    if (json.at("strategy") == strategy_name(strategy)) spec.strategy = strategy;
  }
  return spec;
}

ordered_json to_json(const InputRef& ref) {
  return {{"stage", ref.stage}, {"output", ref.output}, {"name", ref.name}, {"at", to_json(ref.at)}};
}

InputRef input_from(const ordered_json& json) {
  return {json.at("stage"), json.at("output"), json.at("name"), place_from(json.at("at"))};
}

ordered_json to_json(const StageSpec& stage) {
  ordered_json out = {{"name", stage.name}, {"run", stage.run}};
  if (!stage.folder.empty()) out["folder"] = stage.folder;
  out["from"] = ordered_json::array();
  for (const InputRef& ref : stage.from) out["from"].push_back(to_json(ref));
  out["options"] = ordered_json::parse(stage.options);
  out["parallelism"] = stage.parallelism;
  out["parallelism-given"] = stage.parallelism_given;
  if (stage.bounds.given()) out["bounds"] = ordered_json::array({stage.bounds.least, stage.bounds.most});
  out["memory-bytes"] = stage.memory_bytes;
  out["log"] = stage.log;
  if (StagePlacement placed = stage.placement; placed != StagePlacement{.at = placed.at})
    out["placement"] = placement_to_json(placed);
  out["at"] = to_json(stage.at);
  out["places"] = ordered_json::object();
  for (const auto& [option, place] : stage.option_places)
    out["places"][option] = ordered_json::array({to_json(place.at), place.text_column});
  return out;
}

StageSpec stage_from(const ordered_json& json) {
  StageSpec stage{.name = json.at("name"),
                  .run = json.at("run"),
                  .folder = json.value("folder", ""),
                  .from = {},
                  .options = json.at("options").dump(),
                  .parallelism = json.at("parallelism"),
                  .parallelism_given = json.at("parallelism-given"),
                  .bounds = {},
                  .memory_bytes = json.at("memory-bytes"),
                  .log = json.at("log"),
                  .placement = {},
                  .at = place_from(json.at("at")),
                  .option_places = {}};
  if (json.contains("bounds")) stage.bounds = {json.at("bounds").at(0), json.at("bounds").at(1)};
  if (json.contains("placement")) stage.placement = placement_from_json(json.at("placement"));
  for (const ordered_json& ref : json.at("from")) stage.from.push_back(input_from(ref));
  for (const auto& [option, place] : json.at("places").items())
    stage.option_places[option] = {place_from(place.at(0)), place.at(1)};
  return stage;
}

PipelineSpec pipeline_from(const ordered_json& json) {
  PipelineSpec spec;
  spec.name = json.at("pipeline");
  spec.folder = json.at("folder");
  spec.ad_hoc = json.at("ad-hoc");
  for (const ordered_json& p : json.at("parameters")) {
    spec.parameters.push_back({p.at("name"), p.at("type"), p.at("value")});
  }
  spec.checkpoint = checkpoint_from(json.at("checkpoint"));
  spec.restart = restart_from(json.at("restart"));
  if (json.contains("savepoints")) spec.savepoints = rules_from_json(json.at("savepoints"));
  if (json.contains("autoscale")) spec.autoscale = autoscale_from_json(json.at("autoscale"));
  spec.key_groups = json.at("key-groups");
  spec.align = json.value("align", Microseconds{0});
  spec.memory_bytes = json.at("memory-bytes");
  spec.log = json.at("log");
  for (const ordered_json& stage : json.at("stages")) spec.stages.push_back(stage_from(stage));
  if (json.contains("hosts")) spec.hosts = hosts_from_json(json.at("hosts"));
  if (json.value("place", "spread") == "pack") spec.place_rule = PlaceRule::kPack;
  if (json.contains("log-to")) spec.log_to = log_to_from_json(json.at("log-to"));
  if (json.contains("metrics")) spec.metrics = metrics_from_json(json.at("metrics"));
  if (json.contains("evolve")) spec.evolve = evolve_from_json(json.at("evolve"));
  return spec;
}

}  // namespace

const std::string& PipelineSpec::folder_of(const StageSpec& stage) const {
  return stage.folder.empty() ? folder : stage.folder;
}

const StageSpec* PipelineSpec::find(std::string_view stage) const {
  const auto it = std::ranges::find(stages, stage, &StageSpec::name);
  return it == stages.end() ? nullptr : &*it;
}

bool valid_name(std::string_view name) {
  const auto letter = [](char c) { return c >= 'a' && c <= 'z'; };
  const auto tail = [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '-'; };
  return !name.empty() && name.size() <= 32 && letter(name[0]) && std::ranges::all_of(name.substr(1), tail);
}

std::string_view strategy_name(RestartStrategy strategy) {
  switch (strategy) {
    case RestartStrategy::kNone: return "none";
    case RestartStrategy::kFixedDelay: return "fixed-delay";
    case RestartStrategy::kFailureRate: return "failure-rate";
    case RestartStrategy::kExponentialDelay: return "exponential-delay";
  }
  return "";
}

std::string_view mode_name(CheckpointMode mode) {
  return mode == CheckpointMode::kExactlyOnce ? "exactly-once" : "at-least-once";
}

std::string pipeline_to_json(const PipelineSpec& spec) {
  ordered_json out = {{"pipeline", spec.name}, {"folder", spec.folder}, {"ad-hoc", spec.ad_hoc}};
  out["parameters"] = ordered_json::array();
  for (const ParameterValue& p : spec.parameters) {
    out["parameters"].push_back({{"name", p.name}, {"type", p.type}, {"value", p.value}});
  }
  out["checkpoint"] = to_json(spec.checkpoint);
  out["restart"] = to_json(spec.restart);
  if (spec.savepoints != SavepointRules()) out["savepoints"] = rules_to_json(spec.savepoints);
  if (spec.autoscale != autoscale::Settings()) out["autoscale"] = autoscale_to_json(spec.autoscale);
  out["key-groups"] = spec.key_groups;
  if (spec.align > 0) out["align"] = spec.align;
  out["memory-bytes"] = spec.memory_bytes;
  out["log"] = spec.log;
  if (!spec.hosts.empty()) out["hosts"] = hosts_to_json(spec.hosts);
  if (spec.place_rule == PlaceRule::kPack) out["place"] = "pack";
  if (!spec.log_to.empty()) out["log-to"] = log_to_json(spec.log_to);
  out["stages"] = ordered_json::array();
  for (const StageSpec& stage : spec.stages) out["stages"].push_back(to_json(stage));
  if (!spec.metrics.empty()) out["metrics"] = metrics_to_json(spec.metrics);
  if (!spec.evolve.empty()) out["evolve"] = evolve_to_json(spec.evolve);
  return out.dump();
}

Result<PipelineSpec> pipeline_from_json(std::string_view text) {
  try {
    return pipeline_from(ordered_json::parse(text));
  } catch (const nlohmann::json::exception& error) { return corrupt(std::string("pipeline: ") + error.what()); }
}

}  // namespace stream
