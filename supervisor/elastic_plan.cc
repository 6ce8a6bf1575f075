#include "supervisor/elastic_plan.h"

#include <algorithm>

#include "supervisor/plan_hosts.h"

namespace stream {
namespace {

bool all_have_slots(const PipelineSpec& pipeline) {
  return !pipeline.hosts.empty() &&
         std::ranges::all_of(pipeline.hosts, [](const HostSpec& host) { return host.slots > 0; });
}

// The stage that gives way next; nothing: all have the least already.
std::optional<std::size_t> who_gives_way(const JobPlan& plan) {
  std::optional<std::size_t> most;
  for (std::size_t i = 0; i < plan.stages.size(); ++i) {
    const InstanceBounds& bounds = plan.pipeline.stages[i].bounds;
    if (!bounds.given() || plan.stages[i].parallelism <= bounds.least) continue;
    if (!most || plan.stages[i].parallelism >= plan.stages[*most].parallelism) most = i;
  }
  return most;
}

}  // namespace

bool has_bounds(const JobPlan& plan) {
  return std::ranges::any_of(plan.pipeline.stages, [](const StageSpec& stage) { return stage.bounds.given(); });
}

std::uint32_t first_wanted(const JobPlan& plan, std::size_t stage, std::uint32_t cores) {
  const InstanceBounds& bounds = plan.pipeline.stages[stage].bounds;
  if (plan.pipeline.autoscale.mode != autoscale::Mode::kOff) return bounds.least;
  if (all_have_slots(plan.pipeline)) return bounds.most;
  const auto hosts = static_cast<std::uint32_t>(std::max<std::size_t>(1, plan.pipeline.hosts.size()));
  return bounds.clamp(std::max(1U, cores) * hosts);
}

InstanceNumbers fitting_numbers(const JobPlan& plan, const InstanceNumbers& wanted, const std::set<std::string>& lost,
                                std::uint32_t cores) {
  JobPlan trial = plan;
  for (std::size_t i = 0; i < trial.stages.size(); ++i) {
    const StageSpec& spec = trial.pipeline.stages[i];
    if (!spec.bounds.given()) continue;
    const auto said = wanted.find(spec.name);
    trial.stages[i].parallelism = spec.bounds.clamp(said == wanted.end() ? first_wanted(plan, i, cores) : said->second);
  }
  while (!place_plan(trial, lost).ok()) {
    const auto next = who_gives_way(trial);
    if (!next) break;
    --trial.stages[*next].parallelism;
  }
  InstanceNumbers out;
  for (std::size_t i = 0; i < trial.stages.size(); ++i) {
    if (trial.pipeline.stages[i].bounds.given()) out[trial.pipeline.stages[i].name] = trial.stages[i].parallelism;
  }
  return out;
}

Renumbered renumbered(const JobPlan& plan, const InstanceNumbers& numbers) {
  Renumbered out{plan};
  for (std::size_t i = 0; i < plan.stages.size(); ++i) {
    const auto number = numbers.find(plan.pipeline.stages[i].name);
    if (number == numbers.end() || number->second == plan.stages[i].parallelism) continue;
    out.changed.push_back({number->first, number->second});
  }
  if (out.changed.empty()) return out;
  if (auto all = rescaled(plan, out.changed); all.ok()) {
    out.plan = *std::move(all);
    return out;
  }
  // Each for itself, so that one that cannot does not hold back the others.
  for (const RescaleWish& wish : std::exchange(out.changed, {})) {
    auto next = rescaled(out.plan, std::span(&wish, 1));
    if (next.ok()) {
      out.plan = *std::move(next);
      out.changed.push_back(wish);
    } else {
      out.refused.push_back(next.status().what());
    }
  }
  return out;
}

}  // namespace stream
