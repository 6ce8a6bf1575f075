#include "supervisor/assignments.h"

#include <algorithm>

#include "supervisor/checkpoint_place.h"
#include "supervisor/checkpoint_storage.h"
#include "supervisor/launcher.h"
#include "supervisor/plan_hosts.h"
#include "supervisor/rescale_plan.h"
#include "supervisor/spool_needed.h"
#include "supervisor/state_fit.h"

namespace stream {
namespace {

std::string spread_of(EdgeKind kind) {
  // One receiver needs no spreading.
  return kind == EdgeKind::kSingle ? "forward" : std::string(edge_kind_name(kind));
}

std::string peer_name(const JobPlan& plan, std::size_t stage, std::uint32_t instance) {
  return plan.pipeline.stages[stage].name + "." + std::to_string(instance);
}

class Builder {
 public:
  Builder(const JobPlan& plan, const std::vector<Channel>& channels, const AttemptStart& start)
      : plan_(plan), start_(start), channels_(channels) {
    if (!start.restore) return;
    const auto kept = plan_from_json(start.restore->plan);
    if (!kept.ok()) return;
    // Whether the state fits was found out before; what it becomes follows from the two plans again, so that it is
    // right for whichever checkpoint is gone back to.
    evolutions_ = fit_state(*kept, plan, !start.extend).evolutions;
    refed_ = refed_stages(*kept, plan);
  }

  Assignment build(const InstanceName& name) const {
    const StageSpec& spec = plan_.pipeline.stages[name.stage];
    Assignment out;
    out.job = start_.paths.job;
    out.run = start_.run;
    out.attempt = start_.attempt.value();
    out.stage = spec.name;
    out.instance = name.instance;
    out.parallelism = plan_.stages[name.stage].parallelism;
    out.key_groups = plan_.pipeline.key_groups;
    out.folder = plan_.pipeline.folder_of(spec);
    out.options = options_with(spec.options, plan_.stages[name.stage].answer.fixed);
    out.spool = spool_folder(plan_, name.stage, start_.paths).value_or("");
    out.memory_bytes = memory_of(spec);
    out.exactly_once = plan_.pipeline.checkpoint.mode == CheckpointMode::kExactlyOnce;
    out.sockets = start_.paths.sockets();
    out.checkpoints = start_.paths.checkpoints();
    const std::string& place = plan_.pipeline.checkpoint.path;
    // What is in storage has its copy in the job's own folder already.
    if (is_object_url(place)) {
      out.storage = storage_of_job(place, start_.paths.job);
      if (has_far_hosts(plan_.pipeline))
        out.fetched = lent() ? storage_of_job(place, start_.paths.job, kLent) : out.storage;
    } else if (!place.empty()) {
      out.local = start_.paths.local();
    }
    out.scratch = start_.paths.scratch() + "/" + peer_name(plan_, name.stage, name.instance);
    out.dead_letter = start_.paths.dead_letter();
    out.predecessor_may_wake = start_.several_supervisors || has_far_hosts(plan_.pipeline);
    if (!start_.placed.empty()) settle(name, out);
    out.inputs = inputs(name);
    out.not_read = plan_.stages[name.stage].not_read;
    out.outputs = outputs(name);
    out.watermarks_apart = plan_.pipeline.watermarks_apart;
    if (start_.restore) {
      RestoreSource source = source_of(spec.name);
      source.refed = refed_.contains(name.stage);
      source = needed_by(std::move(source), name.instance, plan_.stages[name.stage].parallelism);
      if (start_.extend) source.local = out.local;
      if (out.silence_us > 0 && out.storage.empty()) source.folder = seen_from_everywhere(source.folder);
      out.restore = to_json(source);
    }
    if (start_.rewind_after) {
      out.must_rewind = true;
      out.going_back = start_.going_back;
      out.accept_duplicates = start_.accept_duplicates;
      out.rewind_after = start_.rewind_after->value();
    }
    return out;
  }

 private:
  bool lent() const { return start_.restore && !start_.extend; }

  // Where there are several hosts, what all write is in the folder that they share.
  void settle(const InstanceName& name, Assignment& out) const {
    out.host = plan_.pipeline.hosts[start_.placed[name.stage][name.instance]].name;
    if (!has_far_hosts(plan_.pipeline)) return;
    out.silence_us = plan_.pipeline.restart.heartbeat;
    if (!out.storage.empty()) return;  // see settle_in()
    const std::string& shared = plan_.pipeline.checkpoint.path;
    out.checkpoints = shared + "/" + start_.paths.job;
    out.dead_letter = shared_dead_letter(shared, start_.paths.job);
  }

  // The job's own names are links, which other hosts do not have.
  std::string seen_from_everywhere(const std::string& folder) const {
    const std::string& shared = plan_.pipeline.checkpoint.path;
    const std::string& job = start_.paths.job;
    if (folder == start_.paths.checkpoints()) return shared + "/" + job;
    const std::string savepoints = start_.paths.savepoints();
    return folder.starts_with(savepoints) ? shared_savepoints(shared, job) + folder.substr(savepoints.size()) : folder;
  }

  bool apart(std::size_t from, std::uint32_t from_instance, std::size_t to, std::uint32_t to_instance) const {
    return !start_.placed.empty() && start_.placed[from][from_instance] != start_.placed[to][to_instance];
  }

  // The files it was told of by the plan they were written by, if they are of another.
  RestoreSource source_of(const std::string& stage) const {
    const auto found = evolutions_.find(stage);
    const StageEvolution evolution = found == evolutions_.end() ? StageEvolution() : found->second;
    RestoreSource source = restore_source(*start_.restore, evolution.was.empty() ? stage : evolution.was,
                                          start_.restore_folder, start_.extend);
    source.evolution = evolution;
    return source;
  }

  // Its own bound, and no more than its share of the job's.
  std::uint64_t memory_of(const StageSpec& spec) const {
    std::uint64_t instances = 0;
    for (const PlannedStage& stage : plan_.stages) instances += stage.parallelism;
    const std::uint64_t all = plan_.pipeline.memory_bytes;
    return all == 0 ? spec.memory_bytes : std::min(spec.memory_bytes & ~std::uint64_t{1}, all / instances);
  }

  std::vector<InputAssignment> inputs(const InstanceName& name) const {
    std::vector<InputAssignment> out;
    const PlannedStage& stage = plan_.stages[name.stage];
    for (std::size_t i = 0; i < stage.inputs.size(); ++i) {
      InputAssignment input{stage.inputs[i].name, schema_to_json(stage.inputs[i].schema), {}};
      for (const Channel& channel : channels_) {
        const PlannedEdge& edge = plan_.edges[channel.edge];
        if (edge.to != name.stage || edge.input != i || channel.to_instance != name.instance) continue;
        input.channels.push_back({channel.id.value(), peer_name(plan_, edge.from, channel.from_instance),
                                  channel.attempt.value(),
                                  apart(edge.from, channel.from_instance, name.stage, name.instance)});
      }
      out.push_back(std::move(input));
    }
    return out;
  }

  std::vector<OutputAssignment> outputs(const InstanceName& name) const {
    std::vector<OutputAssignment> out;
    const PlannedStage& stage = plan_.stages[name.stage];
    for (std::size_t i = 0; i < stage.outputs.size(); ++i) {
      OutputAssignment output{stage.outputs[i].name, schema_to_json(stage.outputs[i].schema), {}};
      for (std::size_t e = 0; e < plan_.edges.size(); ++e) {
        if (plan_.edges[e].from == name.stage && plan_.edges[e].output == i) output.edges.push_back(edge(e, name));
      }
      out.push_back(std::move(output));
    }
    return out;
  }

  EdgeAssignment edge(std::size_t index, const InstanceName& name) const {
    const PlannedEdge& edge = plan_.edges[index];
    EdgeAssignment out;
    out.to = plan_.pipeline.stages[edge.to].name;
    out.spread = spread_of(edge.kind);
    out.hash_columns = edge.hash_columns;
    // Merged edges may have their columns in different orders; the receiver's order holds.
    out.schema = schema_to_json(plan_.stages[edge.to].inputs[edge.input].schema);
    out.where = edge.filter;
    for (const Channel& channel : channels_) {
      if (channel.edge != index || channel.from_instance != name.instance) continue;
      out.channels.push_back(
          {channel.id.value(), peer_name(plan_, edge.to, channel.to_instance), channel.attempt.value()});
    }
    return out;
  }

  const JobPlan& plan_;
  const AttemptStart& start_;
  const std::vector<Channel>& channels_;
  std::map<std::string, StageEvolution> evolutions_;
  std::set<std::size_t> refed_;
};

}  // namespace

std::string to_string(const JobPlan& plan, const InstanceName& name) {
  return peer_name(plan, name.stage, name.instance);
}

std::vector<InstanceName> instances_of(const JobPlan& plan) {
  std::vector<InstanceName> out;
  for (std::size_t stage = 0; stage < plan.stages.size(); ++stage) {
    for (std::uint32_t i = 0; i < plan.stages[stage].parallelism; ++i) out.push_back({stage, i});
  }
  return out;
}

void settle_in(Assignment& assignment, const LaunchPlace& place, const std::string& key) {
  assignment.address = place.address;
  if (!place.far) {
    assignment.key = key;
    assignment.fetched.clear();
    return;
  }
  const std::string name = assignment.stage + "." + std::to_string(assignment.instance);
  const bool copies = !std::exchange(assignment.local, {}).empty();  // nobody would take them away there
  assignment.sockets = place.sockets;
  assignment.scratch = place.folder + "/scratch/" + name;
  const bool stored = !assignment.storage.empty();
  if (stored) {
    assignment.checkpoints = place.folder + "/scratch/checkpoints/" + name;
    assignment.dead_letter = place.folder + "/dead-letter";
  }
  if (assignment.restore.empty() || (!copies && !stored)) return;
  auto source = restore_source_from_json(assignment.restore);
  if (!source.ok()) return;
  source->local.clear();
  if (stored) source->folder = source->extend ? assignment.checkpoints : place.folder + "/scratch/savepoint/" + name;
  assignment.restore = to_json(*source);
}

std::vector<Assignment> make_assignments(const JobPlan& plan, const std::vector<Channel>& channels,
                                         const AttemptStart& start) {
  const Builder builder(plan, channels, start);
  std::vector<Assignment> out;
  for (const InstanceName& name : instances_of(plan)) out.push_back(builder.build(name));
  return out;
}

}  // namespace stream
