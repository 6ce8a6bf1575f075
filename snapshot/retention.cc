#include "snapshot/retention.h"

#include <algorithm>
#include <charconv>
#include <map>

#include "snapshot/snapshot_writer.h"

namespace stream {
namespace {

// An instance may not have heard yet that the newest checkpoint is complete, and builds what it
// writes now on the one before.
constexpr std::size_t kKeepWhileInProgress = 3;

// "12/totals.0.a1.sqlite" -> 12; nothing for what is not in the folder of an epoch.
std::optional<Epoch> epoch_of(const std::string& path) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(path.data(), path.data() + path.size(), number);
  if (error != std::errc() || end == path.data() + path.size() || *end != '/') return std::nullopt;
  return Epoch(number);
}

std::string index_name(Epoch epoch) { return std::to_string(epoch.value()) + "/checkpoint.sqlite"; }

std::set<std::string> bases_of(const CheckpointIndex& index) {
  std::set<std::string> bases;
  for (const FileRef& file : files_of(index)) {
    if (file.base) bases.insert(file.path);
  }
  return bases;
}

bool independent(const CheckpointIndex& a, const CheckpointIndex& b) {
  const std::set<std::string> bases = bases_of(a);
  return std::ranges::none_of(bases_of(b), [&](const std::string& path) { return bases.contains(path); });
}

using ByEpoch = std::map<Epoch, const CheckpointIndex*>;

std::set<Epoch> choose(const ByEpoch& indexes, const Inventory& inventory, std::size_t keep) {
  std::set<Epoch> kept;
  for (auto it = indexes.rbegin(); it != indexes.rend() && kept.size() < keep; ++it) kept.insert(it->first);
  if (indexes.empty()) return kept;
  const CheckpointIndex& newest = *indexes.rbegin()->second;
  const auto apart = [&](Epoch epoch) { return independent(newest, *indexes.at(epoch)); };
  const bool have = std::ranges::any_of(kept, [&](Epoch e) { return e != newest.epoch && apart(e); });
  for (auto it = indexes.rbegin(); !have && it != indexes.rend(); ++it) {
    if (it->first == newest.epoch || !apart(it->first)) continue;
    kept.insert(it->first);
    break;
  }
  for (const Epoch epoch : inventory.pinned) {
    if (indexes.contains(epoch)) kept.insert(epoch);
  }
  return kept;
}

// Everything in the folder of this epoch stays whatever names it.
bool untouchable(const Inventory& inventory, Epoch epoch, Epoch newest) {
  return (epoch > newest && !inventory.aborted.contains(epoch)) || inventory.in_progress.contains(epoch) ||
         inventory.pinned.contains(epoch) ||
         std::ranges::find(inventory.unreadable, epoch) != inventory.unreadable.end();
}

void collect_garbage(const Inventory& inventory, const std::set<std::string>& named, Epoch newest,
                     RetentionPlan& plan) {
  std::map<Epoch, std::size_t> left;
  for (const std::string& path : inventory.files) {
    const auto epoch = epoch_of(path);
    if (!epoch) continue;
    const bool dropped = path == index_name(*epoch);
    const bool built_on = *epoch > newest && is_merged_base(path);
    if (untouchable(inventory, *epoch, newest) || built_on || named.contains(path))
      ++left[*epoch];
    else if (!dropped)
      plan.files.push_back(path);
    left.try_emplace(*epoch, 0);
  }
  for (const Epoch epoch : inventory.empty) {
    if (!untouchable(inventory, epoch, newest)) left.try_emplace(epoch, 0);
  }
  for (const auto& [epoch, files] : left) {
    // Somebody slow may still write for a newer one.
    if (files == 0 && epoch <= newest) plan.folders.push_back(std::to_string(epoch.value()));
  }
}

RetentionPlan plan_with(const Inventory& inventory, const std::set<Epoch>& kept, const ByEpoch& indexes) {
  RetentionPlan plan;
  std::set<std::string> named;
  for (const auto& [epoch, index] : indexes) {
    if (!kept.contains(epoch)) {
      plan.drop.push_back(epoch);
      continue;
    }
    plan.keep.push_back(epoch);
    named.insert(index_name(epoch));
    for (const FileRef& file : files_of(*index)) named.insert(file.path);
  }
  collect_garbage(inventory, named, indexes.empty() ? Epoch(0) : indexes.rbegin()->first, plan);
  return plan;
}

ByEpoch by_epoch(const Inventory& inventory) {
  ByEpoch indexes;
  for (const CheckpointIndex& index : inventory.indexes) indexes[index.epoch] = &index;
  return indexes;
}

}  // namespace

RetentionPlan plan_retention(const Inventory& inventory, const RetentionPolicy& policy) {
  const ByEpoch indexes = by_epoch(inventory);
  const std::size_t least = inventory.in_progress.empty() ? 1 : kKeepWhileInProgress;
  return plan_with(inventory, choose(indexes, inventory, std::max(policy.keep, least)), indexes);
}

RetentionPlan plan_gc(const Inventory& inventory) {
  const ByEpoch indexes = by_epoch(inventory);
  std::set<Epoch> all;
  for (const auto& [epoch, index] : indexes) all.insert(epoch);
  return plan_with(inventory, all, indexes);
}

Result<Inventory> take_inventory(Files& files, const std::string& checkpoints) {
  Inventory inventory;
  Result<std::vector<std::string>> names = files.list(checkpoints);
  if (names.status().code() == Code::kNotFound) return inventory;
  if (!names.ok()) return std::move(names).status();
  for (const std::string& folder : *names) {
    const auto epoch = epoch_of(folder + "/");
    if (!epoch) continue;
    STREAM_ASSIGN(const auto inside, files.list(checkpoints + "/" + folder));
    if (inside.empty()) inventory.empty.push_back(*epoch);
    for (const std::string& name : inside) inventory.files.push_back(folder + "/" + name);
  }
  STREAM_ASSIGN(const std::vector<Epoch> epochs, list_checkpoints(files, checkpoints));
  for (const Epoch epoch : epochs) {
    Result<CheckpointIndex> index = load_index(index_path(checkpoints, epoch));
    if (index.ok())
      inventory.indexes.push_back(*std::move(index));
    else
      inventory.unreadable.push_back(epoch);
  }
  return inventory;
}

Status execute(Files& files, const std::string& checkpoints, const RetentionPlan& plan) {
  for (const Epoch epoch : plan.drop) {
    STREAM_TRY(files.remove(index_path(checkpoints, epoch)));
    STREAM_TRY(files.sync_dir(checkpoint_folder(checkpoints, epoch)));
  }
  for (const std::string& path : plan.files) STREAM_TRY(files.remove(checkpoints + "/" + path));
  for (const std::string& folder : plan.folders) STREAM_TRY(files.remove(checkpoints + "/" + folder));
  return {};
}

}  // namespace stream
