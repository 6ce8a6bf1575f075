#include <algorithm>
#include <map>

#include "supervisor/http/dispatch.h"
#include "supervisor/http/facts.h"
#include "supervisor/http/handlers.h"
#include "supervisor/http/hosts.h"
#include "supervisor/job_store.h"
#include "transport/base/text.h"

namespace stream::http {
namespace {

const std::string& name_of(const Call& call) { return call.plan->pipeline.stages[call.stage].name; }
std::uint32_t parallelism_of(const Call& call) { return call.plan->stages[call.stage].parallelism; }

// An instance of one attempt: when it lived, and what it was then.
struct Life {
  std::string_view status;
  std::int64_t attempt = 0;
  std::int64_t start_ms = 0;
  std::int64_t end_ms = -1;
};

// What is known of an instance tells which attempt started it; the others of a rescaled job live on.
Life life_of(const JobFacts& facts, const Json& instance) {
  const bool known = instance.is_object() && number_of(instance, "started_us") > 0;
  return {.status = task_state(facts),
          .attempt = known ? number_of(instance, "attempt") : facts.attempt,
          .start_ms = known ? milliseconds(instance, "started_us") : facts.start_ms,
          .end_ms = facts.end_ms};
}

Json subtask_json(const Call& call, const Json& instance, std::size_t number, const Life& life) {
  IoSums sums;
  sums.add(instance);
  const std::string host = host_of_instance(call.site, *call.plan, instance);
  const std::int64_t lasted =
      std::max<std::int64_t>(0, (life.end_ms < 0 ? call.site.now_ms : life.end_ms) - life.start_ms);
  return {{"subtask", number},
          {"status", life.status},
          {"attempt", std::max<std::int64_t>(0, life.attempt - 1)},  // Flink counts from 0
          {"endpoint", host},
          {"start-time", life.start_ms},
          {"end-time", life.end_ms},
          {"duration", lasted},
          {"metrics", sums.json()},
          {"taskmanager-id", host_id(host)},
          {"status-duration",
           {{"CREATED", 0}, {"SCHEDULED", 0}, {"DEPLOYING", 0}, {"INITIALIZING", 0}, {"RUNNING", lasted}}}};
}

Json subtask_of(const Call& call, const Json& stats, std::size_t number) {
  const JobFacts facts = facts_of(*call.job.summary, call.site.now_ms);
  const Json& instance = instance_of(stats, name_of(call), number);
  return subtask_json(call, instance, number, life_of(facts, instance));
}

// An instance of one attempt.
struct Attempted {
  Json subtask = {};   // as it is answered
  Json instance = {};  // as it is kept
};

// Of an attempt that is over; null where it is not known, or had no such instance.
Attempted earlier_subtask(const Call& call, const Json& attempts, std::int64_t wanted) {
  for (const Json& attempt : attempts) {
    if (number_of(attempt, "attempt") != wanted || number_of(attempt, "ended_us") == 0) continue;
    const Json& instance = instance_of(attempt, name_of(call), call.subtask);
    if (!instance.is_object()) return {};
    const std::int64_t started = number_of(instance, "started_us");
    const Life life = {.status = ended_task_state(text_of(attempt, "outcome")),
                       .attempt = wanted,
                       .start_ms = (started > 0 ? started : number_of(attempt, "started_us")) / 1000,
                       .end_ms = milliseconds(attempt, "ended_us")};
    return {subtask_json(call, instance, call.subtask, life), instance};
  }
  return {};
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
                        {"endpoint", one["endpoint"]},
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
                        {"attempt-number", std::max<std::int64_t>(0, life_of(facts, instance).attempt - 1)},
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

namespace {

// What those of its instances are that one host has.
Json vertex_on_host(const Call& call, const Json& stats, const std::string& host, const Json& subtasks) {
  const JobFacts facts = facts_of(*call.job.summary, call.site.now_ms);
  IoSums sums;
  std::int64_t start_ms = INT64_MAX;
  for (const Json& subtask : subtasks) {
    sums.add(instance_of(stats, name_of(call), static_cast<std::size_t>(number_of(subtask, "subtask"))));
    start_ms = std::min(start_ms, number_of(subtask, "start-time"));
  }
  return {{"endpoint", host},
          {"status", task_state(facts)},
          {"start-time", start_ms},
          {"end-time", facts.end_ms},
          {"duration", std::max<std::int64_t>(0, (facts.end_ms < 0 ? call.site.now_ms : facts.end_ms) - start_ms)},
          {"metrics", sums.json()},
          {"status-counts", task_counts(task_state(facts), static_cast<std::uint32_t>(subtasks.size()))},
          {"taskmanager-id", host_id(host)},
          {"aggregated", aggregate(subtasks)}};
}

}  // namespace

Answer get_vertex_hosts(Call& call) {
  STREAM_HTTP_ASSIGN(const SharedJson stats, call.jobs.stats(call.job.name));
  std::map<std::string, Json> by_host;
  for (Json& subtask : subtasks_of(call, *stats)) by_host[text_of(subtask, "endpoint")].push_back(std::move(subtask));
  Json hosts = Json::array();
  for (const auto& [host, subtasks] : by_host) hosts.push_back(vertex_on_host(call, *stats, host, subtasks));
  return answer_with({{"id", vertex_id(name_of(call))},
                      {"name", name_of(call)},
                      {"now", call.site.now_ms},
                      {"taskmanagers", std::move(hosts)}});
}

Answer get_vertex_accumulators(Call& call) {
  STREAM_HTTP_ASSIGN(const SharedJson stats, call.jobs.stats(call.job.name));
  Accumulators sums;
  for (std::size_t i = 0; i < parallelism_of(call); ++i) sums.add(instance_of(*stats, name_of(call), i));
  return answer_with({{"id", vertex_id(name_of(call))}, {"user-accumulators", sums.json()}});
}

namespace {

// A subtask by itself, with what its own code has counted.
Json accumulated(const Json& subtask, const Json& instance) {
  Accumulators counted;
  counted.add(instance);
  return {{"subtask", subtask["subtask"]},
          {"attempt", subtask["attempt"]},
          {"endpoint", subtask["endpoint"]},
          {"user-accumulators", counted.json()}};
}

}  // namespace

Answer get_subtasks_accumulators(Call& call) {
  STREAM_HTTP_ASSIGN(const SharedJson stats, call.jobs.stats(call.job.name));
  Json subtasks = Json::array();
  for (std::size_t i = 0; i < parallelism_of(call); ++i)
    subtasks.push_back(accumulated(subtask_of(call, *stats, i), instance_of(*stats, name_of(call), i)));
  return answer_with(
      {{"id", vertex_id(name_of(call))}, {"parallelism", parallelism_of(call)}, {"subtasks", std::move(subtasks)}});
}

Answer get_subtask(Call& call) {
  STREAM_HTTP_ASSIGN(const SharedJson stats, call.jobs.stats(call.job.name));
  return answer_with(subtask_of(call, *stats, call.subtask));
}

namespace {

// The subtask in the attempt that the path names.
Result<Attempted> find_attempt(Call& call) {
  STREAM_ASSIGN(const SharedJson stats, call.jobs.stats(call.job.name));
  Attempted now = {subtask_of(call, *stats, call.subtask), instance_of(*stats, name_of(call), call.subtask)};
  const std::string& wanted = call.path.find("attempt")->second;
  const std::string newest = now.subtask["attempt"].dump();
  if (newest == wanted) return now;
  STREAM_ASSIGN(const SharedJson attempts, call.jobs.list(call.job.name, "attempts"));
  const auto number = parse_integer(wanted);
  Attempted earlier = number.ok() && *number >= 0 ? earlier_subtask(call, *attempts, *number + 1) : Attempted();
  if (!earlier.subtask.is_null()) return earlier;
  return Status(Code::kNotFound, "nothing is kept of attempt '" + wanted + "' of '" + name_of(call) +
                                     "'; the newest is " + newest + ", and of " + std::to_string(kAttemptsKept) +
                                     " something is kept");
}

}  // namespace

Answer get_attempt(Call& call) {
  STREAM_HTTP_ASSIGN(const Attempted found, find_attempt(call));
  return answer_with(found.subtask);
}

Answer get_attempt_accumulators(Call& call) {
  STREAM_HTTP_ASSIGN(const Attempted found, find_attempt(call));
  Json out = accumulated(found.subtask, found.instance);
  out["id"] = std::to_string(number_of(found.subtask, "subtask")) + "-" + vertex_id(name_of(call));
  return answer_with(out);
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
