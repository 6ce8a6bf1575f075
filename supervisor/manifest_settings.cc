#include "supervisor/manifest_settings.h"

#include <array>
#include <filesystem>

#include "supervisor/manifest_node.h"

namespace stream {
namespace {

using Words = std::vector<std::string>;

const Words kLevels = {"trace", "debug", "info", "warning", "error"};

void read_checkpoint(const Node& node, CheckpointSpec& spec, Problems& problems) {
  static const Words keys = {"interval", "timeout", "min-pause", "keep", "path", "mode"};
  static const Words modes = {"exactly-once", "at-least-once"};
  if (!check_map(node, "'checkpoint'", keys, problems)) return;
  const Node* interval = node.find("interval");
  spec.enabled = interval == nullptr || interval->text != "none";
  if (spec.enabled) read_duration(node, "interval", spec.interval, problems);
  if (spec.interval <= 0)
    problems.add(interval->at, "'interval' must be more than 0; write none to have no checkpoints");
  read_duration(node, "timeout", spec.timeout, problems);
  read_duration(node, "min-pause", spec.min_pause, problems);
  read_count(node, "keep", 1, 1000, spec.keep, problems);
  read(node, "path", spec.path, problems);
  std::size_t mode = 0;
  read_word(node, "mode", modes, mode, problems);
  spec.mode = mode == 0 ? CheckpointMode::kExactlyOnce : CheckpointMode::kAtLeastOnce;
}

struct StrategyKeys {
  RestartStrategy strategy;
  Words keys;
};

const std::array kStrategyKeys = {
    StrategyKeys{RestartStrategy::kNone, {"strategy", "heartbeat"}},
    StrategyKeys{RestartStrategy::kFixedDelay, {"strategy", "attempts", "delay", "heartbeat"}},
    StrategyKeys{RestartStrategy::kFailureRate, {"strategy", "failures", "within", "delay", "heartbeat"}},
    StrategyKeys{RestartStrategy::kExponentialDelay,
                 {"strategy", "attempts", "initial", "max", "multiplier", "jitter", "heartbeat"}},
};

void read_restart(const Node& node, RestartSpec& spec, Problems& problems) {
  Words names;
  for (const StrategyKeys& entry : kStrategyKeys) names.emplace_back(strategy_name(entry.strategy));
  std::size_t chosen = kStrategyKeys.size() - 1;
  if (node.is_map()) read_word(node, "strategy", names, chosen, problems);
  const StrategyKeys& entry = kStrategyKeys[chosen];
  if (!check_map(node, "'restart' with strategy " + names[chosen], entry.keys, problems)) return;
  spec.strategy = entry.strategy;
  read_count(node, "attempts", 1, 1'000'000, spec.attempts, problems);
  read_count(node, "failures", 1, 1'000'000, spec.failures, problems);
  read_duration(node, "delay", spec.delay, problems);
  read_duration(node, "within", spec.within, problems);
  read_duration(node, "initial", spec.initial, problems);
  read_duration(node, "max", spec.max, problems);
  read_duration(node, "heartbeat", spec.heartbeat, problems);
  read(node, "multiplier", spec.multiplier, problems);
  read(node, "jitter", spec.jitter, problems);
  if (spec.heartbeat < 1000) problems.add(node.find("heartbeat")->at, "'heartbeat' must be at least 1ms");
  if (spec.multiplier < 1) problems.add(node.find("multiplier")->at, "'multiplier' must be at least 1");
  if (spec.jitter < 0 || spec.jitter > 1) problems.add(node.find("jitter")->at, "'jitter' must be from 0 to 1");
  if (spec.max < spec.initial) problems.add(node.at, "'max' is shorter than 'initial'");
}

void read_align(const Node& root, PipelineSpec& pipeline, Problems& problems) {
  read_duration(root, "align", pipeline.align, problems);
  const Node* node = root.find("align");
  if (node != nullptr && pipeline.align <= 0) {
    problems.add(node->at, "'align' must be more than 0; leave it out and sources read as fast as they can");
  }
}

void read_key_groups(const Node& root, PipelineSpec& pipeline, Problems& problems) {
  read_count(root, "key-groups", 1, 32'768, pipeline.key_groups, problems);
}

}  // namespace

void read_settings(const Node& root, PipelineSpec& pipeline, Problems& problems) {
  if (const Node* node = root.find("checkpoint")) read_checkpoint(*node, pipeline.checkpoint, problems);
  std::string& path = pipeline.checkpoint.path;
  if (!path.empty()) path = std::filesystem::path(pipeline.folder).append(path).lexically_normal().string();
  if (const Node* node = root.find("restart")) read_restart(*node, pipeline.restart, problems);
  read_key_groups(root, pipeline, problems);
  read_align(root, pipeline, problems);
  read_memory(root, "memory", pipeline.memory_bytes, problems);
  std::size_t level = 2;
  read_word(root, "log", kLevels, level, problems);
  pipeline.log = kLevels[level];
}

}  // namespace stream
