#include <algorithm>

#include "supervisor/http/dispatch.h"
#include "supervisor/http/facts.h"
#include "supervisor/http/handlers.h"

namespace stream::http {
namespace {

const std::string& name_of(const Call& call) { return call.plan->pipeline.stages[call.stage].name; }
std::uint32_t parallelism_of(const Call& call) { return call.plan->stages[call.stage].parallelism; }

// Every process of a job is started anew with an attempt.
std::int64_t began_ms(const JobFacts& facts, const Json& instance, std::int64_t now_ms) {
  if (!instance.is_object()) return facts.start_ms;
  return std::max(facts.start_ms, now_ms - milliseconds(instance, "running_us"));
}

Json subtask_of(const Call& call, const Json& stats, std::size_t number) {
  const JobFacts facts = facts_of(*call.job.summary, call.site.now_ms);
  const Json& instance = instance_of(stats, name_of(call), number);
  IoSums sums;
  sums.add(instance);
  const std::int64_t began = began_ms(facts, instance, call.site.now_ms);
  const std::int64_t lasted = std::max<std::int64_t>(0, (facts.end_ms < 0 ? call.site.now_ms : facts.end_ms) - began);
  return {{"subtask", number},
          {"status", task_state(facts)},
          {"attempt", std::max<std::int64_t>(0, facts.attempt - 1)},  // Flink counts from 0
          {"endpoint", call.site.host},
          {"start-time", began},
          {"end-time", facts.end_ms},
          {"duration", lasted},
          {"metrics", sums.json()},
          {"taskmanager-id", host_id(call.site.host)},
          {"status-duration",
           {{"CREATED", 0}, {"SCHEDULED", 0}, {"DEPLOYING", 0}, {"INITIALIZING", 0}, {"RUNNING", lasted}}}};
}

using Values = std::map<std::string, std::vector<double>>;

Json table_of(const Values& values) {
  Json out = Json::object();
  for (const auto& [name, all] : values) out[name] = whole_statistics(all);
  return out;
}

// Statistics over the subtasks of what each says of itself.
Json aggregate(const Json& subtasks) {
  Values metrics;
  Values durations;
  for (const Json& subtask : subtasks) {
    for (const auto& [name, value] : subtask["metrics"].items()) {
      if (value.is_number()) metrics[name].push_back(value.get<double>());
    }
    for (const auto& [name, value] : subtask["status-duration"].items()) durations[name].push_back(value.get<double>());
  }
  return {{"metrics", table_of(metrics)}, {"status-duration", table_of(durations)}};
}

Json subtasks_of(const Call& call, const Json& stats) {
  Json subtasks = Json::array();
  for (std::size_t i = 0; i < parallelism_of(call); ++i) subtasks.push_back(subtask_of(call, stats, i));
  return subtasks;
}

std::string_view level_of(double share) {
  if (share <= 0.1) return "ok";
  return share <= 0.5 ? "low" : "high";
}

}  // namespace

Answer get_vertex(Call& call) {
  STREAM_HTTP_ASSIGN(const SharedJson stats, call.jobs.stats(call.job.name));
  Json subtasks = subtasks_of(call, *stats);
  Json aggregated = aggregate(subtasks);
  return answer_with({{"id", vertex_id(name_of(call))},
                      {"name", name_of(call)},
                      {"parallelism", parallelism_of(call)},
                      {"maxParallelism", call.plan->pipeline.key_groups},
                      {"now", call.site.now_ms},
                      {"subtasks", std::move(subtasks)},
                      {"aggregated", std::move(aggregated)}});
}

Answer get_vertex_times(Call& call) {
  STREAM_HTTP_ASSIGN(const SharedJson stats, call.jobs.stats(call.job.name));
  const JobFacts facts = facts_of(*call.job.summary, call.site.now_ms);
  Json subtasks = Json::array();
  for (std::size_t i = 0; i < parallelism_of(call); ++i) {
    const Json one = subtask_of(call, *stats, i);
    Json times = task_counts("", 0);
    for (const char* state : {"CREATED", "SCHEDULED", "DEPLOYING", "INITIALIZING"}) times[state] = one["start-time"];
    if (facts.status == "RUNNING" || facts.over) times["RUNNING"] = one["start-time"];
    if (facts.end_ms >= 0) times[std::string(task_state(facts))] = facts.end_ms;
    subtasks.push_back({{"subtask", i},
                        {"endpoint", call.site.host},
                        {"duration", one["duration"]},
                        {"timestamps", std::move(times)}});
  }
  return answer_with({{"id", vertex_id(name_of(call))},
                      {"name", name_of(call)},
                      {"now", call.site.now_ms},
                      {"subtasks", std::move(subtasks)}});
}

// None of an instance that has seen no watermark.
Answer get_vertex_watermarks(Call& call) {
  STREAM_HTTP_ASSIGN(const SharedJson stats, call.jobs.stats(call.job.name));
  Json out = Json::array();
  for (std::size_t i = 0; i < parallelism_of(call); ++i) {
    const Json& instance = instance_of(*stats, name_of(call), i);
    if (!instance.is_object() || !instance.contains("watermark_us")) continue;
    out.push_back({{"id", std::to_string(i) + ".currentInputWatermark"},
                   {"value", std::to_string(milliseconds(instance, "watermark_us"))}});
  }
  return answer_with(out);
}

Answer get_vertex_backpressure(Call& call) {
  STREAM_HTTP_ASSIGN(const SharedJson stats, call.jobs.stats(call.job.name));
  const JobFacts facts = facts_of(*call.job.summary, call.site.now_ms);
  Json subtasks = Json::array();
  double most = 0;
  for (std::size_t i = 0; i < parallelism_of(call); ++i) {
    const Json& instance = instance_of(*stats, name_of(call), i);
    const double full = instance.is_object() ? real_of(instance, "backpressured") : 0;
    most = std::max(most, full);
    subtasks.push_back({{"subtask", i},
                        {"attempt-number", std::max<std::int64_t>(0, facts.attempt - 1)},
                        {"backpressureLevel", level_of(full)},
                        {"ratio", full},
                        {"idleRatio", instance.is_object() ? real_of(instance, "idle") : 0},
                        {"busyRatio", instance.is_object() ? real_of(instance, "busy") : 0}});
  }
  return answer_with({{"status", facts.over ? "deprecated" : "ok"},
                      {"backpressureLevel", level_of(most)},
                      {"end-timestamp", call.site.now_ms},
                      {"subtasks", std::move(subtasks)}});
}

// All on this host.
Answer get_vertex_hosts(Call& call) {
  STREAM_HTTP_ASSIGN(const SharedJson stats, call.jobs.stats(call.job.name));
  const JobFacts facts = facts_of(*call.job.summary, call.site.now_ms);
  const Json subtasks = subtasks_of(call, *stats);
  IoSums sums;
  for (std::size_t i = 0; i < parallelism_of(call); ++i) sums.add(instance_of(*stats, name_of(call), i));
  Json host = {{"endpoint", call.site.host},
               {"status", task_state(facts)},
               {"start-time", facts.start_ms},
               {"end-time", facts.end_ms},
               {"duration", facts.duration_ms},
               {"metrics", sums.json()},
               {"status-counts", task_counts(task_state(facts), parallelism_of(call))},
               {"taskmanager-id", host_id(call.site.host)},
               {"aggregated", aggregate(subtasks)}};
  return answer_with({{"id", vertex_id(name_of(call))},
                      {"name", name_of(call)},
                      {"now", call.site.now_ms},
                      {"taskmanagers", Json::array({std::move(host)})}});
}

Answer get_vertex_accumulators(Call& call) {
  return answer_with({{"id", vertex_id(name_of(call))}, {"user-accumulators", Json::array()}});
}

Answer get_subtask(Call& call) {
  STREAM_HTTP_ASSIGN(const SharedJson stats, call.jobs.stats(call.job.name));
  return answer_with(subtask_of(call, *stats, call.subtask));
}

Answer get_attempt(Call& call) {
  STREAM_HTTP_ASSIGN(const SharedJson stats, call.jobs.stats(call.job.name));
  Json subtask = subtask_of(call, *stats, call.subtask);
  const std::string& wanted = call.path.find("attempt")->second;
  if (subtask["attempt"].dump() == wanted) return answer_with(subtask);
  return refuse(404, "nothing is kept of attempt '" + wanted + "' of '" + name_of(call) + "'; the newest is " +
                         subtask["attempt"].dump());
}

Answer get_requirements(Call& call) {
  STREAM_HTTP_ASSIGN(const SharedPlan plan, call.jobs.plan(call.job.name));
  Json out = Json::object();
  for (std::size_t i = 0; i < plan->stages.size(); ++i) {
    const StageSpec& spec = plan->pipeline.stages[i];
    const InstanceBounds bounds = spec.bounds.given() ? spec.bounds : InstanceBounds{1, plan->stages[i].parallelism};
    out[vertex_id(spec.name)] = {{"parallelism", {{"lowerBound", bounds.least}, {"upperBound", bounds.most}}}};
  }
  return answer_with(out);
}

}  // namespace stream::http
