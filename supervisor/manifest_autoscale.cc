#include "supervisor/manifest_autoscale.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "supervisor/manifest_node.h"
#include "supervisor/pipeline.h"
#include "transport/base/text.h"

namespace stream {
namespace {

using autoscale::Settings;
using nlohmann::ordered_json;

struct DurationKey {
  const char* name;
  Microseconds Settings::*value;
  Microseconds least;
};
constexpr DurationKey kDurations[] = {
    {"interval", &Settings::interval, 100'000},
    {"metrics-window", &Settings::metrics_window, 100'000},
    {"stabilization-interval", &Settings::stabilization_interval, 0},
    {"catch-up-duration", &Settings::catch_up_duration, 1'000},
    {"restart-time", &Settings::restart_time, 0},
    {"scale-up-grace-period", &Settings::scale_up_grace_period, 0},
    {"scale-down-interval", &Settings::scale_down_interval, 0},
};

struct NumberKey {
  const char* name;
  double Settings::*value;
};
constexpr NumberKey kNumbers[] = {
    {"target-utilization", &Settings::target_utilization},
    {"target-utilization-boundary", &Settings::target_utilization_boundary},
    {"scale-up-max-factor", &Settings::scale_up_max_factor},
    {"scale-down-max-factor", &Settings::scale_down_max_factor},
    {"effectiveness-threshold", &Settings::effectiveness_threshold},
};

void read_number(const Node& node, const NumberKey& key, Settings& settings, Problems& problems) {
  double& value = settings.*key.value;
  read(node, key.name, value, problems);
  const std::uint32_t most = key_of(kAutoscaleKeys, key.name).most;
  const bool within = value >= 0 && (most == UINT32_MAX || value <= most);
  if (node.find(key.name) == nullptr || within) return;
  const std::string range = most == UINT32_MAX ? "at least 0" : "from 0 to " + std::to_string(most);
  problems.add(node.find(key.name)->at, std::string("'") + key.name + "' must be " + range);
}

void read_periods(const Node& node, Settings& settings, Problems& problems) {
  std::vector<std::string> texts;
  read(node, "excluded-periods", texts, problems);
  for (const std::string& text : texts) {
    auto period = autoscale::parse_period(text);
    if (period.ok())
      settings.excluded_periods.push_back(*std::move(period));
    else
      problems.add(node.find("excluded-periods")->at, "'excluded-periods': " + period.status().what());
  }
}

}  // namespace

Settings read_autoscale(const Node& node, Problems& problems) {
  Settings settings;
  if (!check_map(node, "'autoscale'", kAutoscaleKeys, problems)) return settings;
  std::size_t mode = 0;
  read_word(node, key_of(kAutoscaleKeys, "mode"), mode, problems);
  settings.mode = static_cast<autoscale::Mode>(mode);
  for (const DurationKey& key : kDurations) {
    read_duration(node, key.name, settings.*key.value, problems);
    if (node.find(key.name) != nullptr && settings.*key.value < key.least)
      problems.add(node.find(key.name)->at,
                   std::string("'") + key.name + "' must be at least " + format_duration(key.least));
  }
  for (const NumberKey& key : kNumbers) read_number(node, key, settings, problems);
  if (node.find("target-utilization") != nullptr && settings.target_utilization <= 0)
    problems.add(node.find("target-utilization")->at, "'target-utilization' must be more than 0");
  if (settings.restart_time >= settings.catch_up_duration)
    problems.add(node.at, "'catch-up-duration' must be longer than 'restart-time'");
  read_periods(node, settings, problems);
  return settings;
}

ordered_json autoscale_to_json(const Settings& settings) {
  const Settings usual;
  ordered_json out = {{"mode", autoscale::to_string(settings.mode)}};
  for (const DurationKey& key : kDurations) {
    if (settings.*key.value != usual.*key.value) out[key.name] = format_duration(settings.*key.value);
  }
  for (const NumberKey& key : kNumbers) {
    if (settings.*key.value != usual.*key.value) out[key.name] = settings.*key.value;
  }
  for (const autoscale::Period& period : settings.excluded_periods) out["excluded-periods"].push_back(period.text);
  return out;
}

Settings autoscale_from_json(const ordered_json& json) {
  Settings settings;
  const std::vector<std::string> modes = choices_of(key_of(kAutoscaleKeys, "mode"));
  const auto mode = std::ranges::find(modes, json.at("mode").get<std::string>());
  if (mode != modes.end()) settings.mode = static_cast<autoscale::Mode>(mode - modes.begin());
  for (const DurationKey& key : kDurations) {
    if (!json.contains(key.name)) continue;
    const auto value = parse_duration(json.at(key.name).get<std::string>());
    if (value.ok()) settings.*key.value = *value;
  }
  for (const NumberKey& key : kNumbers) settings.*key.value = json.value(key.name, settings.*key.value);
  for (const ordered_json& text : json.value("excluded-periods", ordered_json::array())) {
    auto period = autoscale::parse_period(text.get<std::string>());
    if (period.ok()) settings.excluded_periods.push_back(*std::move(period));
  }
  return settings;
}

void read_parallelism(const Node& stage, StageSpec& spec, Problems& problems) {
  const Node* node = stage.find("parallelism");
  spec.parallelism_given = node != nullptr;
  if (node == nullptr) return;
  if (node->is_scalar() && looks_like_bounds(node->text)) {
    const auto bounds = parse_bounds(node->text);
    if (!bounds.ok()) return problems.add(node->at, "'parallelism': " + bounds.status().what());
    spec.bounds = *bounds;
  } else if (node->is_map()) {
    if (!check_map(*node, "'parallelism'", kBoundsKeys, problems)) return;
    spec.bounds.least = 1;
    read_count(*node, key_of(kBoundsKeys, "min"), spec.bounds.least, problems);
    read_count(*node, key_of(kBoundsKeys, "max"), spec.bounds.most, problems);
    if (node->find("max") == nullptr) problems.add(node->at, "'parallelism' needs 'max', as in {min: 1, max: 8}");
    if (spec.bounds.most != 0 && spec.bounds.least > spec.bounds.most)
      problems.add(node->at, "'min' of 'parallelism' is more than its 'max'");
  } else {
    return read_count(stage, "parallelism", 1, kInstancesMax, spec.parallelism, problems);
  }
  spec.parallelism = spec.bounds.least;
}

void check_autoscale(const Node& root, const PipelineSpec& pipeline, Problems& problems) {
  const Node* node = root.find("autoscale");
  if (node == nullptr || pipeline.autoscale.mode == autoscale::Mode::kOff) return;
  const bool any = std::ranges::any_of(pipeline.stages, [](const StageSpec& stage) { return stage.bounds.given(); });
  if (!any)
    problems.add(node->at, "'autoscale' has nothing to change: no stage has bounds, as parallelism: {min: 1, max: 8}");
}

}  // namespace stream
