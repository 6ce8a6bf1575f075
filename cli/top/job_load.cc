#include "cli/top/job_load.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace stream {
namespace {

using nlohmann::json;

Load load_of(const json& instance) {
  Load load;
  const std::pair<const char*, double Load::*> fields[] = {
      {"records_in_rate", &Load::records_in},
      {"records_out_rate", &Load::records_out},
      {"busy", &Load::busy},
      {"idle", &Load::idle},
      {"backpressured", &Load::full},
      {"queued_bytes", &Load::queued},
      {"state_rows", &Load::state_rows},
      {"state_bytes", &Load::state},
      {"resident_bytes", &Load::memory},
      {"bad_records", &Load::bad},
      {"late_records", &Load::late},
  };
  for (const auto& [key, field] : fields) load.*field = instance.value(key, 0.0);
  if (instance.contains("watermark_lag_us")) load.lag = instance["watermark_lag_us"].get<Microseconds>();
  return load;
}

InstanceLoad instance_of(const json& i) {
  return {.instance = i.value("instance", 0),
          .pid = i.value("pid", std::int64_t{0}),
          .ended = i.value("ended", false),
          .load = load_of(i)};
}

// What flows into and out of the whole job is what its ends say.
void add_ends(JobLoad& job) {
  job.load.records_in = 0;
  job.load.records_out = 0;
  for (const StageLoad& stage : job.stages) {
    if (stage.role == "source") job.load.records_in += stage.load.records_out;
    if (stage.role == "sink") job.load.records_out += stage.load.records_in;
  }
}

}  // namespace

void Load::add(const Load& other) {
  for (double Load::*const sum : {&Load::records_in, &Load::records_out, &Load::queued, &Load::state_rows, &Load::state,
                                  &Load::memory, &Load::bad, &Load::late})
    this->*sum += other.*sum;
  for (double Load::*const most : {&Load::busy, &Load::full}) this->*most = std::max(this->*most, other.*most);
  idle = std::max(0.0, 1 - busy - full);
  if (other.lag) lag = std::max(lag.value_or(*other.lag), *other.lag);
}

std::size_t JobLoad::processes() const {
  std::size_t sum = 0;
  for (const StageLoad& stage : stages) sum += stage.instances.size();
  return sum;
}

const StageLoad* JobLoad::stage(const std::string& wanted) const {
  const auto at = std::ranges::find(stages, wanted, &StageLoad::name);
  return at == stages.end() ? nullptr : &*at;
}

JobLoad job_load(const json& answer) {
  const json& summary = answer.contains("instances") ? answer["job"] : answer;
  JobLoad job;
  job.name = summary.value("job", "");
  job.id = summary.value("id", "");
  job.state = summary.value("state", "");
  job.reason = summary.value("reason", "");
  job.attempt = summary.value("attempt", std::uint64_t{0});
  job.restarts = summary.value("restarts", std::uint64_t{0});
  job.checkpoint = summary.value("checkpoint", std::uint64_t{0});
  job.started_us = summary.value("started_us", Microseconds{0});
  job.running = summary.value("supervisor_pid", json()).is_number();
  for (const json& stage : summary.value("stages", json::array()))
    job.stages.push_back({.name = stage.value("stage", ""),
                          .role = stage.value("role", ""),
                          .instances = std::vector<InstanceLoad>(stage.value("parallelism", 0U)),
                          .load = {}});
  if (!answer.contains("instances")) return job;
  for (StageLoad& stage : job.stages) stage.instances.clear();
  for (const json& i : answer["instances"]) {
    const auto stage = std::ranges::find(job.stages, i.value("stage", ""), &StageLoad::name);
    if (stage == job.stages.end()) continue;
    stage->instances.push_back(instance_of(i));
    stage->load.add(stage->instances.back().load);
    job.load.add(stage->instances.back().load);
  }
  add_ends(job);
  if (const json last = answer.value("checkpoint", json()); last.is_object())
    job.checkpoint_took = last.value("duration_us", Microseconds{0});
  return job;
}

}  // namespace stream
