#include "supervisor/rescale_plan.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "supervisor/plan_passes.h"
#include "transport/base/text.h"

namespace stream {
namespace {

Result<std::size_t> find_stage(const JobPlan& plan, const std::string& name) {
  std::vector<std::string> names;
  for (const StageSpec& stage : plan.pipeline.stages) names.push_back(stage.name);
  const auto at = std::ranges::find(names, name);
  if (at != names.end()) return static_cast<std::size_t>(at - names.begin());
  const std::string nearest = did_you_mean(name, names);
  return usage_error("there is no stage '" + name + "'" +
                     (nearest.empty() ? "; the stages are " + join(names, ", ") : nearest));
}

Status check_number(const JobPlan& plan, std::size_t at, std::uint32_t parallelism) {
  const StageSpec& spec = plan.pipeline.stages[at];
  const StageAnswer& answer = plan.stages[at].answer;
  const std::string begin = "stage '" + spec.name + "' cannot have parallelism " + std::to_string(parallelism) + ": ";
  if (parallelism == 0) return usage_error(begin + "at least one instance does its work; 'stream stop' ends the job");
  if (answer.parallelism_max != 0 && parallelism > answer.parallelism_max) {
    return usage_error(begin + "'" + spec.run + "' allows " + std::to_string(answer.parallelism_max) +
                       (answer.parallelism_why.empty() ? "" : ": " + answer.parallelism_why));
  }
  if (parallelism > plan.pipeline.key_groups) {
    return usage_error(begin + "there are " + std::to_string(plan.pipeline.key_groups) +
                       " key groups; 'stream state reshard' gives a savepoint more");
  }
  return {};
}

Status check_bounds(const StageSpec& spec, std::uint32_t parallelism) {
  if (!spec.bounds.given() || spec.bounds.clamp(parallelism) == parallelism) return {};
  const std::string wanted = spec.name + "=" + std::to_string(std::min(spec.bounds.least, parallelism)) + ".." +
                             std::to_string(std::max(spec.bounds.most, parallelism));
  return usage_error("stage '" + spec.name + "' cannot have parallelism " + std::to_string(parallelism) +
                     ": its bounds are " + to_string(spec.bounds) + "; give it others, as " + wanted);
}

Status apply(const RescaleWish& wish, const JobPlan& plan, JobPlan& out) {
  STREAM_ASSIGN(const std::size_t at, find_stage(plan, wish.stage));
  PlannedStage& stage = out.stages[at];
  StageSpec& spec = out.pipeline.stages[at];
  if (wish.bounds) {
    STREAM_TRY(check_number(plan, at, wish.bounds->most));
    if (!stage.submitted_bounds) stage.submitted_bounds = spec.bounds;
    spec.bounds = *wish.bounds;
  }
  std::uint32_t parallelism = wish.parallelism;
  if (parallelism == 0 && wish.bounds) parallelism = spec.bounds.clamp(stage.parallelism);
  STREAM_TRY(check_number(plan, at, parallelism));
  STREAM_TRY(check_bounds(spec, parallelism));
  if (stage.submitted == 0) stage.submitted = stage.parallelism;
  stage.parallelism = spec.parallelism = parallelism;
  spec.parallelism_given = true;
  return {};
}

std::uint64_t share_of_memory(const JobPlan& plan) {
  std::uint64_t instances = 0;
  for (const PlannedStage& stage : plan.stages) instances += stage.parallelism;
  return plan.pipeline.memory_bytes / std::max<std::uint64_t>(1, instances);
}

}  // namespace

Result<JobPlan> rescaled(const JobPlan& plan, std::span<const RescaleWish> wishes, const PlanLimits& limits) {
  JobPlan out = plan;
  for (const RescaleWish& wish : wishes) STREAM_TRY(apply(wish, plan, out));
  for (PlannedEdge& edge : out.edges) edge.hash_columns.clear();
  Problems problems;
  plan_partitions(out, problems);
  if (problems.empty()) check_limits(out, limits, problems);
  // The places of a manifest say nothing to who has not named it.
  if (!problems.empty()) return usage_error(problems.sorted().front().message);
  return out;
}

namespace {

// What was chosen for a stage, where the pipeline asks for what it asked for when that was chosen.
std::optional<RescaleWish> kept_wish(const PlannedStage& chosen, const StageSpec& was, const StageSpec& asked) {
  const bool bounds_chosen = chosen.submitted_bounds.has_value();
  if (asked.bounds != (bounds_chosen ? *chosen.submitted_bounds : was.bounds)) return std::nullopt;
  if (asked.parallelism != chosen.submitted) return std::nullopt;
  RescaleWish wish{was.name, chosen.parallelism};
  if (bounds_chosen && was.bounds != asked.bounds) wish.bounds = was.bounds;
  const bool same = asked.parallelism == chosen.parallelism && !wish.bounds;
  return same ? std::nullopt : std::optional(wish);
}

std::string kept_text(const RescaleWish& wish, const StageSpec& asked) {
  std::string text = "stage '" + wish.stage + "' has ";
  if (wish.bounds) text += to_string(*wish.bounds) + " instances, now ";
  text += std::to_string(wish.parallelism) + (wish.bounds ? "" : " instances");
  const std::string instead = asked.bounds.given() ? to_string(asked.bounds) : std::to_string(asked.parallelism);
  if (asked.bounds.given() && !wish.bounds) return text + ", as it was rescaled within " + instead;
  return text + ", as it was rescaled, and not " + instead;
}

}  // namespace

KeptRescale keep_rescaled(const JobPlan& wanted, const JobPlan& before) {
  KeptRescale out{wanted, {}};
  for (std::size_t i = 0; i < before.stages.size(); ++i) {
    const PlannedStage& chosen = before.stages[i];
    const std::string& name = before.pipeline.stages[i].name;
    const auto at = std::ranges::find(wanted.pipeline.stages, name, &StageSpec::name);
    if (chosen.submitted == 0 || at == wanted.pipeline.stages.end()) continue;
    const auto wish = kept_wish(chosen, before.pipeline.stages[i], *at);
    if (!wish) continue;
    auto kept = rescaled(out.plan, std::span(&*wish, 1));
    out.notes.push_back(kept.ok() ? kept_text(*wish, *at) : kept.status().what());
    if (!kept.ok()) continue;
    out.plan = *std::move(kept);
    PlannedStage& stage = out.plan.stages[static_cast<std::size_t>(at - wanted.pipeline.stages.begin())];
    stage.submitted = chosen.submitted;
    stage.submitted_bounds = chosen.submitted_bounds;
  }
  return out;
}

namespace {

using StageIndex = std::optional<std::size_t>;

StageIndex place_of(const JobPlan& plan, const std::string& stage) {
  const auto& stages = plan.pipeline.stages;
  const auto at = std::ranges::find(stages, stage, &StageSpec::name);
  return at == stages.end() ? StageIndex() : StageIndex(static_cast<std::size_t>(at - stages.begin()));
}

bool has_forward_edge(const JobPlan& plan, std::size_t from, std::size_t to) {
  return std::ranges::any_of(plan.edges, [&](const PlannedEdge& edge) {
    return edge.from == from && edge.to == to && edge.kind == EdgeKind::kForward;
  });
}

}  // namespace

std::set<std::size_t> refed_stages(const JobPlan& before, const JobPlan& after) {
  std::vector<StageIndex> now;
  for (const StageSpec& stage : before.pipeline.stages) now.push_back(place_of(after, stage.name));
  std::set<std::size_t> out;
  const auto many_as_before = [&](std::size_t stage) {
    return now[stage] && after.stages[*now[stage]].parallelism == before.stages[stage].parallelism;
  };
  // One that is fed by such a stage may come before it in the manifest.
  for (bool more = true; std::exchange(more, false);) {
    for (const PlannedEdge& edge : before.edges) {
      const bool one_by_one = edge.kind == EdgeKind::kForward && before.stages[edge.to].parallelism > 1;
      if (!one_by_one || !many_as_before(edge.to) || out.contains(*now[edge.to])) continue;
      const bool as_before = many_as_before(edge.from) && !out.contains(*now[edge.from]) &&
                             has_forward_edge(after, *now[edge.from], *now[edge.to]);
      if (!as_before) more = out.insert(*now[edge.to]).second;
    }
  }
  return out;
}

RescalePlan plan_rescale(const JobPlan& before, const JobPlan& after) {
  RescalePlan out;
  for (std::size_t i = 0; i < after.stages.size(); ++i) {
    if (before.stages[i].parallelism != after.stages[i].parallelism) out.rescaled.insert(i);
  }
  out.refed = refed_stages(before, after);
  std::ranges::set_union(out.rescaled, out.refed, std::inserter(out.restarts, out.restarts.end()));
  for (std::size_t e = 0; e < after.edges.size(); ++e) {
    const PlannedEdge& edge = after.edges[e];
    if (!out.restarts.contains(edge.from) && !out.restarts.contains(edge.to)) continue;
    out.edges.insert(e);
    for (const std::size_t stage : {edge.from, edge.to}) {
      if (!out.restarts.contains(stage)) out.rewires.insert(stage);
    }
  }
  if (after.pipeline.memory_bytes != 0 && share_of_memory(before) != share_of_memory(after))
    out.whole = "the memory of the job is divided anew";
  return out;
}

std::vector<Channel> rewired_channels(const std::vector<Channel>& before, const JobPlan& after,
                                      const RescalePlan& steps, Attempt attempt) {
  std::uint32_t next = 0;
  for (const Channel& channel : before) next = std::max(next, channel.id.value() + 1);
  std::vector<Channel> out;
  for (std::size_t edge = 0; edge < after.edges.size(); ++edge) {
    const auto on_edge = [&](const Channel& channel) { return channel.edge == edge; };
    if (!steps.edges.contains(edge)) std::ranges::copy_if(before, std::back_inserter(out), on_edge);
  }
  for (Channel channel : channels_of(after)) {
    if (!steps.edges.contains(channel.edge)) continue;
    channel.id = ChannelId(next++);
    channel.attempt = attempt;
    out.push_back(channel);
  }
  return out;
}

}  // namespace stream
