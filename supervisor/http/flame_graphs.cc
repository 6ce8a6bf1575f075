#include "supervisor/http/flame_graphs.h"

#include <algorithm>
#include <chrono>
#include <thread>

namespace stream::http {
namespace {

using nlohmann::json;

json node_json(const profile::CallNode& node, const std::string& name) {
  json children = json::array();
  for (const profile::CallNode& child : node.children) children.push_back(node_json(child, child.name));
  return {{"name", name}, {"value", node.value}, {"children", std::move(children)}};
}

json graph_of(const Profile& profile, std::int64_t at_ms) {
  return {{"endTimestamp", at_ms}, {"data", node_json(profile.tree.root(), "root")}};
}

}  // namespace

Result<json> FlameGraphs::look(const std::string& job, const ProfileWish& wish) {
  const std::string vertex = job + " " + wish.stage;
  const std::string key = vertex + " " + (wish.instance ? std::to_string(*wish.instance) : "") + " " +
                          std::to_string(static_cast<int>(wish.states));
  const std::lock_guard lock(all_->mutex);
  forget_old(clock_.monotonic_us());
  if (const auto at = all_->entries.find(key); at != all_->entries.end()) {
    Result<json> graph = at->second.graph;
    if (!graph.ok()) all_->entries.erase(at);  // whoever asks again tries again
    return graph;
  }
  if (all_->being_made.contains(vertex)) return json{{"endTimestamp", kFlameWaiting}};
  if (all_->being_made.size() >= kFlamesAtOnce)
    return Status(Code::kInterrupted, "more flame graphs are being made than at once; try again in a moment");
  all_->being_made.emplace(vertex, true);
  std::thread([all = all_, take = take_, &clock = clock_, job, wish, vertex, key] {
    const Result<Profile> profile = take(job, wish);
    Result<json> graph =
        profile.ok() ? Result<json>(graph_of(*profile, clock.wall_us() / 1000)) : Result<json>(profile.status());
    const std::lock_guard done(all->mutex);
    all->entries.insert_or_assign(key, Entry{std::move(graph), clock.monotonic_us()});
    all->being_made.erase(vertex);
    all->changed.notify_all();
  }).detach();
  return json{{"endTimestamp", kFlameWaiting}};
}

void FlameGraphs::forget_old(Microseconds now) {
  std::erase_if(all_->entries, [&](const auto& entry) { return now - entry.second.at_us > kFlameKept; });
  while (all_->entries.size() >= kFlamesKept) {
    all_->entries.erase(std::ranges::min_element(all_->entries, {}, [](const auto& e) { return e.second.at_us; }));
  }
}

bool FlameGraphs::wait_until_idle(Microseconds patience) {
  std::unique_lock lock(all_->mutex);
  return all_->changed.wait_for(lock, std::chrono::microseconds(patience), [&] { return all_->being_made.empty(); });
}

}  // namespace stream::http
