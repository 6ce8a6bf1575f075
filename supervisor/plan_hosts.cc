#include "supervisor/plan_hosts.h"

#include <algorithm>

#include "transport/base/text.h"

namespace stream {
namespace {

std::string why_only_here(const JobPlan& plan, std::size_t at) {
  if (stdin_stage(plan) == at) return "it reads the standard input of this host";
  return plan.pipeline.stages[at].run == "print" ? "it prints to the standard output of this host" : "";
}

}  // namespace

bool has_far_hosts(const PipelineSpec& pipeline) {
  return std::ranges::any_of(pipeline.hosts, [](const HostSpec& host) { return !host.local; });
}

std::string far_address(const PipelineSpec& pipeline, const std::string& name) {
  const auto host = std::ranges::find(pipeline.hosts, name, &HostSpec::name);
  if (host == pipeline.hosts.end()) return name;
  if (host->local || host->here) return "";
  return host->address.empty() ? name : host->address;
}

Result<Placed> place_plan(const JobPlan& plan, const std::set<std::string>& lost,
                          const std::vector<std::vector<std::optional<std::size_t>>>& kept) {
  if (plan.pipeline.hosts.empty()) return Placed();
  PlacementQuestion question{.hosts = plan.pipeline.hosts, .lost = lost, .kept = kept};
  for (std::size_t i = 0; i < plan.stages.size(); ++i) {
    const StageSpec& spec = plan.pipeline.stages[i];
    PlacedStage stage{.name = spec.name,
                      .parallelism = plan.stages[i].parallelism,
                      .placement = spec.placement,
                      .only_here = why_only_here(plan, i)};
    if (!spec.placement.rule_given) stage.placement.rule = plan.pipeline.place_rule;
    for (const PlannedEdge& edge : plan.edges) {
      if (edge.to == i) stage.reads_from.push_back(edge.from);
    }
    question.stages.push_back(std::move(stage));
  }
  return place(question);
}

void check_hosts(const JobPlan& plan, Problems& problems) {
  const auto placed = place_plan(plan);
  if (placed.ok()) return;
  const std::string& why = placed.status().what();
  Place at{plan.pipeline.stages.front().at.file, 0, 0};
  for (const StageSpec& stage : plan.pipeline.stages) {
    const bool meant = why.starts_with("stage '" + stage.name + "'") || why.starts_with(stage.name + ".");
    if (meant) at = stage.placement.at.line != 0 ? stage.placement.at : stage.at;
  }
  problems.add(at, why);
}

std::string placement_text(const JobPlan& plan, const Placed& placed) {
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < placed.size(); ++i)
    parts.push_back(plan.pipeline.stages[i].name + " on " + hosts_text(plan, placed[i]));
  return join(parts, "; ");
}

std::string hosts_text(const JobPlan& plan, const std::vector<std::size_t>& placed) {
  std::vector<std::string> parts;
  for (std::size_t host = 0; host < plan.pipeline.hosts.size(); ++host) {
    const auto count = std::ranges::count(placed, host);
    if (count == 0) continue;
    const std::string& name = plan.pipeline.hosts[host].name;
    parts.push_back(placed.size() == 1 ? name : name + " x" + std::to_string(count));
  }
  return join(parts, ", ");
}

}  // namespace stream
