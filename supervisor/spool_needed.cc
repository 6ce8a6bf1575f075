#include "supervisor/spool_needed.h"

#include <algorithm>

#include "transport/control_messages.h"

namespace stream {
namespace {

SpoolPosition position_in(const CheckpointIndex& index, const std::string& stage) {
  const auto at = std::ranges::find(index.instances, stage, &IndexInstance::stage);
  if (at == index.instances.end()) return {};
  const auto done = snapshot_from_json(at->info);
  return done.ok() ? SpoolPosition{done->spool_input, done->spool_offset} : SpoolPosition();
}

}  // namespace

std::optional<std::string> spool_folder(const JobPlan& plan, std::size_t stage, const JobPaths& paths) {
  const StageAnswer& answer = plan.stages[stage].answer;
  if (answer.reads_stdin) return paths.spool();
  if (answer.keeps_inbox) return paths.inbox(plan.pipeline.stages[stage].name);
  return std::nullopt;
}

std::vector<StageSpool> spools(const JobPlan& plan, const JobPaths& paths) {
  std::vector<StageSpool> out;
  for (std::size_t stage = 0; stage < plan.stages.size(); ++stage) {
    if (auto folder = spool_folder(plan, stage, paths))
      out.push_back({plan.pipeline.stages[stage].name, *std::move(folder)});
  }
  return out;
}

SpoolPosition spool_needed(const Inventory& inventory, const RetentionPlan& plan, const std::string& stage) {
  SpoolPosition earliest{UINT64_MAX, UINT64_MAX};
  for (const CheckpointIndex& index : inventory.indexes) {
    if (std::ranges::find(plan.keep, index.epoch) == plan.keep.end()) continue;
    earliest = std::min(earliest, position_in(index, stage));
  }
  return earliest.input == UINT64_MAX ? SpoolPosition() : earliest;
}

}  // namespace stream
