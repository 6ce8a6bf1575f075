#include "supervisor/plan.h"

#include <algorithm>

#include "supervisor/memory_size.h"
#include "supervisor/plan_hosts.h"
#include "supervisor/plan_passes.h"
#include "transport/base/text.h"

namespace stream {
namespace {

void check_parallelism(JobPlan& plan, Problems& problems) {
  for (std::size_t i = 0; i < plan.stages.size(); ++i) {
    StageSpec& spec = plan.pipeline.stages[i];
    const std::uint32_t most = plan.stages[i].answer.parallelism_max;
    const std::string& why = plan.stages[i].answer.parallelism_why;
    const std::uint32_t highest = std::max(spec.parallelism, spec.bounds.most);
    if (most != 0 && highest > most) {
      if (spec.parallelism_given) {
        problems.add(spec.at, "stage '" + spec.name + "' cannot have parallelism " + std::to_string(highest) + ": '" +
                                  spec.run + "' allows " + std::to_string(most) + (why.empty() ? "" : ": " + why));
      }
      spec.parallelism = std::min(spec.parallelism, most);
    }
    plan.stages[i].parallelism = spec.parallelism;
    if (highest > plan.pipeline.key_groups) {
      problems.add(spec.at, "stage '" + spec.name + "' has more instances than there are key groups (" +
                                std::to_string(plan.pipeline.key_groups) + ")");
    }
  }
}

void check_stdin(const JobPlan& plan, Problems& problems) {
  const auto first = stdin_stage(plan);
  for (std::size_t i = first.value_or(plan.stages.size()) + 1; i < plan.stages.size(); ++i) {
    if (!plan.stages[i].answer.reads_stdin) continue;
    problems.add(plan.pipeline.stages[i].at, "stage '" + plan.pipeline.stages[i].name +
                                                 "' cannot read standard input: '" + plan.pipeline.stages[*first].name +
                                                 "' does, and there is only one");
  }
}

void check_sockets(const JobPlan& plan, const PlanLimits& limits, Problems& problems) {
  const SocketNeed need = sockets_of(plan);
  if (need.largest <= limits.sockets) return;
  const StageSpec* stage = plan.pipeline.find(need.stage);
  problems.add(stage->at, "an instance of '" + need.stage + "' needs " + std::to_string(need.largest) +
                              " sockets, and only " + std::to_string(limits.sockets) +
                              " are possible here; lower the parallelism or raise the limit of open files");
}

void check_memory(const JobPlan& plan, Problems& problems) {
  std::uint64_t instances = 0;
  for (const PlannedStage& stage : plan.stages) instances += stage.parallelism;
  const std::uint64_t all = plan.pipeline.memory_bytes;
  if (all == 0 || all >= instances * kMemoryLeast) return;
  problems.add(plan.pipeline.stages.front().at, "'memory' of the job is " + format_size(all) + " for " +
                                                    std::to_string(instances) +
                                                    " instances, each of which needs 32 MiB; give at least " +
                                                    std::to_string(instances * kMemoryLeast >> 20) + "MiB");
}

void warn_of_align(JobPlan& plan) {
  std::uint32_t sources = 0;
  for (const PlannedStage& stage : plan.stages) sources += makes_event_time(stage) ? stage.parallelism : 0;
  if (plan.pipeline.align == 0 || sources >= 2) return;
  plan.warnings.push_back("'align' has no effect: there are no two sources, or instances of one, with event time");
}

void add_warnings(JobPlan& plan) {
  warn_of_align(plan);
  for (std::size_t i = 0; i < plan.stages.size(); ++i) {
    const StageSpec& spec = plan.pipeline.stages[i];
    // Of a manifest its place as well; in one argument the name says enough.
    const std::string place = spec.at.line > 1 ? to_string(spec.at) + ": " : "";
    const std::string name = place + "stage '" + spec.name + "': ";
    for (const std::string& warning : plan.stages[i].answer.warnings) plan.warnings.push_back(name + warning);
    const bool read = std::ranges::any_of(plan.edges, [&](const PlannedEdge& edge) { return edge.from == i; });
    if (!read && plan.stages[i].role != StageRole::kSink) plan.warnings.push_back(name + "nothing reads its output");
  }
}

}  // namespace

bool makes_event_time(const PlannedStage& stage) {
  const auto timed = [](const NamedSchema& output) { return output.schema.time.has_value(); };
  return stage.role == StageRole::kSource && std::ranges::any_of(stage.outputs, timed);
}

const Schema& errors_schema() {
  static const Schema schema = {
      .fields = {{"stage", kVarchar}, {"reason", kVarchar}, {"position", kVarchar}, {"record", kVarchar}},
      .time = std::nullopt,
      .key = {},
      .changelog = Changelog::kAppend};
  return schema;
}

std::string_view edge_kind_name(EdgeKind kind) {
  switch (kind) {
    case EdgeKind::kForward: return "forward";
    case EdgeKind::kHash: return "hash";
    case EdgeKind::kRebalance: return "rebalance";
    case EdgeKind::kBroadcast: return "broadcast";
    case EdgeKind::kSingle: return "single";
  }
  return "";
}

JobPlan make_plan(PipelineSpec pipeline, Catalogue& catalogue, StageAsker& asker, const PlanLimits& limits,
                  Problems& problems) {
  JobPlan plan;
  plan.pipeline = std::move(pipeline);
  plan.stages.resize(plan.pipeline.stages.size());
  plan_order(plan, problems);
  if (!problems.empty()) return plan;
  plan_schemas(plan, catalogue, asker, problems);
  if (!problems.empty()) return plan;
  check_parallelism(plan, problems);
  check_stdin(plan, problems);
  plan_combining(plan, catalogue, asker, problems);
  if (!problems.empty()) return plan;
  plan_partitions(plan, problems);
  if (!problems.empty()) return plan;
  plan_columns(plan);
  plan_upserts(plan);
  plan_filters(plan);
  check_evolve(plan, problems);
  check_limits(plan, limits, problems);
  add_warnings(plan);
  return plan;
}

void check_limits(const JobPlan& plan, const PlanLimits& limits, Problems& problems) {
  check_sockets(plan, limits, problems);
  check_memory(plan, problems);
  check_hosts(plan, problems);
}

std::optional<std::size_t> stdin_stage(const JobPlan& plan) {
  const auto reads = [](const PlannedStage& stage) { return stage.answer.reads_stdin; };
  const auto it = std::ranges::find_if(plan.stages, reads);
  if (it == plan.stages.end()) return std::nullopt;
  return static_cast<std::size_t>(it - plan.stages.begin());
}

std::vector<Channel> channels_of(const JobPlan& plan) {
  std::vector<Channel> channels;
  for (std::size_t e = 0; e < plan.edges.size(); ++e) {
    const PlannedEdge& edge = plan.edges[e];
    const std::uint32_t senders = plan.stages[edge.from].parallelism;
    const std::uint32_t receivers = plan.stages[edge.to].parallelism;
    for (std::uint32_t from = 0; from < senders; ++from) {
      for (std::uint32_t to = 0; to < receivers; ++to) {
        if (edge.kind == EdgeKind::kForward && from != to) continue;
        if (edge.kind == EdgeKind::kSingle && to != 0) continue;
        channels.push_back({ChannelId(static_cast<std::uint32_t>(channels.size())), e, from, to});
      }
    }
  }
  return channels;
}

SocketNeed sockets_of(const JobPlan& plan) {
  std::vector<std::vector<std::size_t>> counts;
  for (const PlannedStage& stage : plan.stages) counts.emplace_back(stage.parallelism, 1);  // control
  for (const Channel& channel : channels_of(plan)) {
    ++counts[plan.edges[channel.edge].from][channel.from_instance];
    ++counts[plan.edges[channel.edge].to][channel.to_instance];
  }
  SocketNeed need;
  for (std::size_t stage = 0; stage < counts.size(); ++stage) {
    for (const std::size_t count : counts[stage]) {
      need.total += count;
      if (count <= need.largest) continue;
      need.largest = count;
      need.stage = plan.pipeline.stages[stage].name;
    }
  }
  return need;
}

}  // namespace stream
