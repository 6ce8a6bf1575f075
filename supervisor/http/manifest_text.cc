#include "supervisor/http/manifest_text.h"

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>

#include "transport/base/text.h"

namespace stream::http {
namespace {

using Json = nlohmann::ordered_json;

// Whether YAML takes the text as it is, for nothing but this text.
bool plain(std::string_view text) {
  if (text.empty() || (std::isalnum(static_cast<unsigned char>(text.front())) == 0 && text.front() != '/'))
    return false;
  constexpr std::string_view kPlain = " _-./()<>=+*";
  const bool simple = std::ranges::all_of(text, [&](unsigned char c) {
    return std::isalnum(c) != 0 || kPlain.find(static_cast<char>(c)) != std::string_view::npos;
  });
  return simple && text.back() != ' ';
}

std::string scalar(std::string_view text) { return plain(text) ? std::string(text) : Json(text).dump(); }

std::string value_text(const Json& value) {
  return value.is_string() ? scalar(value.get<std::string>()) : value.dump();
}

// "key: value", a list in [], or a map below, indented.
std::string entry(const std::string& indent, const std::string& key, const Json& value) {
  const std::string begin = indent + key + ":";
  if (value.is_array()) {
    std::vector<std::string> items;
    for (const Json& item : value) items.push_back(Json(item).dump());
    return begin + " [" + join(items, ", ") + "]\n";
  }
  if (!value.is_object()) return begin + " " + value_text(value) + "\n";
  std::string text = begin + "\n";
  for (const auto& [inner, of] : value.items()) text += entry(indent + "  ", scalar(inner), of);
  return text;
}

std::string source_of(const InputRef& input) {
  return input.output == "out" ? input.stage : input.stage + "." + input.output;
}

Json inputs_of(const StageSpec& stage) {
  if (stage.from.size() == 1 && stage.from[0].name.empty()) return source_of(stage.from[0]);
  Json inputs;
  for (const InputRef& input : stage.from) {
    if (input.name.empty())
      inputs.push_back(source_of(input));
    else
      inputs[input.name] = source_of(input);
  }
  return inputs;
}

void add_checkpoint(Json& out, const CheckpointSpec& spec) {
  const CheckpointSpec usual;
  Json keys = Json::object();
  if (!spec.enabled) keys["interval"] = "none";
  if (spec.enabled && spec.interval != usual.interval) keys["interval"] = format_duration(spec.interval);
  if (spec.timeout != usual.timeout) keys["timeout"] = format_duration(spec.timeout);
  if (spec.min_pause != usual.min_pause) keys["min-pause"] = format_duration(spec.min_pause);
  if (spec.keep != usual.keep) keys["keep"] = spec.keep;
  if (!spec.path.empty()) keys["path"] = spec.path;
  if (spec.mode != usual.mode) keys["mode"] = mode_name(spec.mode);
  if (!keys.empty()) out["checkpoint"] = std::move(keys);
}

void add_restart(Json& out, const RestartSpec& spec) {
  const RestartSpec usual;
  Json keys = {{"strategy", strategy_name(spec.strategy)}};
  const bool fixed = spec.strategy == RestartStrategy::kFixedDelay;
  const bool growing = spec.strategy == RestartStrategy::kExponentialDelay;
  const bool by_rate = spec.strategy == RestartStrategy::kFailureRate;
  if ((fixed || growing) && spec.attempts != usual.attempts) keys["attempts"] = spec.attempts;
  if ((fixed || by_rate) && spec.delay != usual.delay) keys["delay"] = format_duration(spec.delay);
  if (by_rate && spec.failures != usual.failures) keys["failures"] = spec.failures;
  if (by_rate && spec.within != usual.within) keys["within"] = format_duration(spec.within);
  if (growing && spec.initial != usual.initial) keys["initial"] = format_duration(spec.initial);
  if (growing && spec.max != usual.max) keys["max"] = format_duration(spec.max);
  if (growing && spec.multiplier != usual.multiplier) keys["multiplier"] = spec.multiplier;
  if (growing && spec.jitter != usual.jitter) keys["jitter"] = spec.jitter;
  if (spec.heartbeat != usual.heartbeat) keys["heartbeat"] = format_duration(spec.heartbeat);
  if (!growing || keys.size() > 1) out["restart"] = std::move(keys);
}

std::string bytes_text(std::uint64_t bytes) { return std::to_string(bytes) + "B"; }

Json stage_keys(const StageSpec& stage, const PipelineSpec& pipeline) {
  Json keys = {{"run", stage.run}};
  if (!stage.from.empty()) keys["from"] = inputs_of(stage);
  keys.update(Json::parse(stage.options));
  if (stage.bounds.given())
    keys["parallelism"] = {{"min", stage.bounds.least}, {"max", stage.bounds.most}};
  else if (stage.parallelism_given)
    keys["parallelism"] = stage.parallelism;
  if (stage.memory_bytes != StageSpec().memory_bytes) keys["memory"] = bytes_text(stage.memory_bytes);
  if (!stage.log.empty() && stage.log != pipeline.log) keys["log"] = stage.log;
  const StagePlacement& placement = stage.placement;
  if (!placement.hosts.empty()) keys["hosts"] = placement.hosts;
  if (!placement.near.empty()) keys["near"] = placement.near;
  if (placement.rule_given) keys["place"] = placement.rule == PlaceRule::kPack ? "pack" : "spread";
  return keys;
}

Json hosts_of(const std::vector<HostSpec>& hosts) {
  Json out = Json::object();
  for (const HostSpec& host : hosts) {
    Json keys = {{"address", host.address}};
    if (host.local) keys["via"] = "local";
    if (!host.user.empty()) keys["user"] = host.user;
    if (host.port != 0) keys["port"] = host.port;
    if (!host.ssh.empty()) keys["ssh-options"] = host.ssh;
    if (!host.programs.empty()) keys["programs"] = host.programs;
    if (!host.folder.empty()) keys["folder"] = host.folder;
    if (host.slots != 0) keys["slots"] = host.slots;
    if (!host.labels.empty()) keys["labels"] = host.labels;
    out[host.name] = std::move(keys);
  }
  return out;
}

}  // namespace

std::string manifest_text(const PipelineSpec& pipeline) {
  const PipelineSpec usual;
  Json out = {{"pipeline", pipeline.name}};
  add_checkpoint(out, pipeline.checkpoint);
  add_restart(out, pipeline.restart);
  if (pipeline.key_groups != usual.key_groups) out["key-groups"] = pipeline.key_groups;
  if (pipeline.memory_bytes != 0) out["memory"] = bytes_text(pipeline.memory_bytes);
  if (pipeline.align != 0) out["align"] = format_duration(pipeline.align);
  if (pipeline.log != usual.log) out["log"] = pipeline.log;
  if (!pipeline.hosts.empty()) out["hosts"] = hosts_of(pipeline.hosts);
  if (pipeline.place_rule == PlaceRule::kPack) out["place"] = "pack";
  Json stages = Json::object();
  for (const StageSpec& stage : pipeline.stages) stages[stage.name] = stage_keys(stage, pipeline);
  out["stages"] = std::move(stages);
  std::string text = "# As the job keeps it; relative paths start at " + pipeline.folder + "\n";
  for (const auto& [key, value] : out.items()) text += entry("", key, value);
  return text;
}

}  // namespace stream::http
