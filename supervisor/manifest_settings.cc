#include "supervisor/manifest_settings.h"

#include <algorithm>
#include <filesystem>

#include "storage/place.h"
#include "supervisor/manifest_autoscale.h"
#include "supervisor/manifest_node.h"
#include "transport/base/text.h"

namespace stream {
namespace {

void read_checkpoint(const Node& node, CheckpointSpec& spec, Problems& problems) {
  const std::span<const ManifestKey> keys = keys_of("checkpoint");
  if (!check_map(node, "'checkpoint'", keys, problems)) return;
  const Node* interval = node.find("interval");
  spec.enabled = interval == nullptr || interval->text != "none";
  if (spec.enabled) read_duration(node, "interval", spec.interval, problems);
  if (spec.interval <= 0)
    problems.add(interval->at, "'interval' must be more than 0; write none to have no checkpoints");
  read_duration(node, "timeout", spec.timeout, problems);
  read_duration(node, "min-pause", spec.min_pause, problems);
  read_count(node, key_of(keys, "keep"), spec.keep, problems);
  read(node, "path", spec.path, problems);
  std::size_t mode = 0;
  read_word(node, key_of(keys, "mode"), mode, problems);
  spec.mode = mode == 0 ? CheckpointMode::kExactlyOnce : CheckpointMode::kAtLeastOnce;
}

// Those that mean something with this strategy.
std::vector<std::string> keys_with(std::span<const ManifestKey> keys, const std::string& strategy) {
  std::vector<std::string> names;
  for (const ManifestKey& key : keys) {
    const std::vector<std::string> only = split(key.only, '|');
    if (key.only.empty() || std::ranges::find(only, strategy) != only.end()) names.emplace_back(key.name);
  }
  return names;
}

void read_restart(const Node& node, RestartSpec& spec, Problems& problems) {
  const std::span<const ManifestKey> keys = keys_of("restart");
  const ManifestKey& strategy = key_of(keys, "strategy");
  std::size_t chosen = static_cast<std::size_t>(spec.strategy);
  if (node.is_map()) read_word(node, strategy, chosen, problems);
  const std::string name = choices_of(strategy)[chosen];
  if (!check_map(node, "'restart' with strategy " + name, keys_with(keys, name), problems)) return;
  spec.strategy = static_cast<RestartStrategy>(chosen);
  read_count(node, key_of(keys, "attempts"), spec.attempts, problems);
  read_count(node, key_of(keys, "failures"), spec.failures, problems);
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

std::string checkpoint_path(const std::string& path, const std::string& folder, const Node& node, Problems& problems) {
  const Node* const at = node.find("path");
  if (is_object_url(path)) {
    const auto place = parse_storage(path);
    if (!place.ok()) problems.add(at->at, place.status().what());
    return path;
  }
  const auto plain = plain_path(path);
  if (!plain.ok()) return problems.add(at->at, plain.status().what()), path;
  return std::filesystem::path(folder).append(*plain).lexically_normal().string();
}

void read_align(const Node& root, PipelineSpec& pipeline, Problems& problems) {
  read_duration(root, "align", pipeline.align, problems);
  const Node* node = root.find("align");
  if (node != nullptr && pipeline.align <= 0) {
    problems.add(node->at, "'align' must be more than 0; leave it out and sources read as fast as they can");
  }
}

}  // namespace

void read_settings(const Node& root, PipelineSpec& pipeline, Problems& problems) {
  if (const Node* node = root.find("checkpoint")) read_checkpoint(*node, pipeline.checkpoint, problems);
  std::string& path = pipeline.checkpoint.path;
  if (!path.empty()) path = checkpoint_path(path, pipeline.folder, *root.find("checkpoint"), problems);
  if (const Node* node = root.find("restart")) read_restart(*node, pipeline.restart, problems);
  if (const Node* node = root.find("savepoints"))
    pipeline.savepoints = read_savepoint_rules(*node, pipeline.folder, problems);
  if (const Node* node = root.find("autoscale")) pipeline.autoscale = read_autoscale(*node, problems);
  read_count(root, key_of(manifest_keys(), "key-groups"), pipeline.key_groups, problems);
  read_align(root, pipeline, problems);
  read_memory(root, "memory", pipeline.memory_bytes, problems);
  const ManifestKey& log = key_of(manifest_keys(), "log");
  std::size_t level = 2;
  read_word(root, log, level, problems);
  pipeline.log = choices_of(log)[level];
}

}  // namespace stream
