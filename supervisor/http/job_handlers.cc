#include <algorithm>
#include <filesystem>

#include "supervisor/http/dispatch.h"
#include "supervisor/http/facts.h"
#include "supervisor/http/handlers.h"
#include "supervisor/http/hosts.h"
#include "transport/base/text.h"

namespace stream::http {
namespace {

std::uint32_t instances_of(const Json& summary) {
  std::uint32_t count = 0;
  for (const Json& stage : summary.value("stages", Json::array()))
    count += static_cast<std::uint32_t>(number_of(stage, "parallelism"));
  return count;
}

Json overview_of(const Json& summary, std::int64_t now_ms) {
  const JobFacts facts = facts_of(summary, now_ms);
  const std::uint32_t count = instances_of(summary);
  Json tasks = {{"total", count}};
  const Json counts = task_counts(task_state(facts), count);
  for (const auto& [state, number] : counts.items()) tasks[lower(state)] = number;
  return {{"jid", text_of(summary, "id")},
          {"name", text_of(summary, "job")},
          {"state", facts.status},
          {"start-time", facts.start_ms},
          {"end-time", facts.end_ms},
          {"duration", facts.duration_ms},
          {"last-modification", facts.end_ms < 0 ? milliseconds(summary, "started_us") : facts.end_ms},
          {"tasks", std::move(tasks)},
          {"jobType", "STREAMING"},
          {"schedulerType", "Adaptive"},
          {"pending-operators", 0}};
}

std::string describe(const StageSpec& stage) {
  const Json options = Json::parse(stage.options, nullptr, false);
  std::string text = stage.run;
  if (!options.is_object()) return text;
  for (const auto& [name, value] : options.items())
    text += " --" + name + " " + (value.is_string() ? value.get<std::string>() : value.dump());
  return text;
}

Json input_of(const JobPlan& plan, const PlannedEdge& edge, std::size_t number) {
  std::string how(edge_kind_name(edge.kind));
  std::ranges::transform(how, how.begin(), [](unsigned char c) { return std::toupper(c); });
  return {{"num", number},
          {"id", vertex_id(plan.pipeline.stages[edge.from].name)},
          {"ship_strategy", how},
          {"exchange", "pipelined_bounded"}};
}

Json plan_of(const FoundJob& job, const JobPlan& plan) {
  Json nodes = Json::array();
  for (std::size_t i = 0; i < plan.stages.size(); ++i) {
    const StageSpec& stage = plan.pipeline.stages[i];
    Json node = {{"id", vertex_id(stage.name)},
                 {"parallelism", plan.stages[i].parallelism},
                 {"operator", stage.run},
                 {"operator_strategy", ""},
                 {"description", stage.name + ": " + describe(stage)},
                 {"optimizer_properties", Json::object()}};
    for (const PlannedEdge& edge : plan.edges) {
      if (edge.to != i) continue;
      const std::size_t number = node.contains("inputs") ? node["inputs"].size() : 0;
      node["inputs"].push_back(input_of(plan, edge, number));
    }
    nodes.push_back(std::move(node));
  }
  return {{"jid", job.id}, {"name", job.name}, {"type", "STREAMING"}, {"nodes", std::move(nodes)}};
}

Json vertex_of(const JobPlan& plan, std::size_t i, const JobFacts& facts, const Json& stats, std::int64_t now_ms) {
  const std::string& name = plan.pipeline.stages[i].name;
  const std::uint32_t parallelism = plan.stages[i].parallelism;
  IoSums sums;
  for (std::uint32_t k = 0; k < parallelism; ++k) sums.add(instance_of(stats, name, k));
  const std::int64_t start_ms = first_start_ms(stats, name, parallelism, facts);
  return {{"id", vertex_id(name)},
          {"slotSharingGroupId", vertex_id(name)},
          {"name", name},
          {"maxParallelism", plan.pipeline.key_groups},
          {"parallelism", parallelism},
          {"status", task_state(facts)},
          {"start-time", start_ms},
          {"end-time", facts.end_ms},
          {"duration", std::max<std::int64_t>(0, (facts.end_ms < 0 ? now_ms : facts.end_ms) - start_ms)},
          {"tasks", task_counts(task_state(facts), parallelism)},
          {"metrics", sums.json()}};
}

// When it came to each state the last time, in this run; the attempts tell, which are the newest first.
Json timestamps_of(const JobFacts& facts, const Json& summary, const Json& attempts) {
  Json out = Json::object();
  for (const char* state : {"INITIALIZING", "CREATED", "RUNNING", "FAILING", "FAILED", "CANCELLING", "CANCELED",
                            "FINISHED", "RESTARTING", "SUSPENDED", "RECONCILING"})
    out[state] = 0;
  out["INITIALIZING"] = facts.start_ms;
  out["CREATED"] = facts.start_ms;
  bool newer = !facts.over;  // it has gone on behind the attempt that is looked at
  for (const Json& attempt : attempts) {
    if (!is_of_run(attempt, summary)) continue;
    if (out["RUNNING"] == 0) out["RUNNING"] = milliseconds(attempt, "running_us");
    const bool failed = text_of(attempt, "outcome") == "failed" && newer;
    for (const char* state : {"FAILING", "RESTARTING"}) {
      if (failed && out[state] == 0) out[state] = milliseconds(attempt, "ended_us");
    }
    newer = true;
  }
  if (attempts.empty()) out["RUNNING"] = facts.over ? facts.start_ms : milliseconds(summary, "started_us");
  if (facts.end_ms >= 0) out[facts.status] = facts.end_ms;
  if (facts.end_ms >= 0 && facts.status == "FAILED") out["FAILING"] = facts.end_ms;
  return out;
}

std::string restart_text(const RestartSpec& restart) {
  std::string text(strategy_name(restart.strategy));
  if (restart.strategy == RestartStrategy::kNone) return text;
  if (restart.strategy == RestartStrategy::kFailureRate)
    return text + ": at most " + std::to_string(restart.failures) + " failures within " +
           format_duration(restart.within);
  return text + ": at most " + std::to_string(restart.attempts) + " attempts without a checkpoint between them";
}

// "filter.0 was killed by SIGKILL: …" -> the instance, if it is one of the job.
std::string task_of(const std::string& text, const JobPlan& plan) {
  const std::string word = text.substr(0, text.find_first_of(" :"));
  const std::string stage = word.substr(0, word.rfind('.'));
  return plan.pipeline.find(stage) == nullptr ? "" : word;
}

// In the attempt that had begun by then; null where that is not kept.
const Json& instance_then(const Json& attempts, const std::string& task, std::int64_t at_us) {
  static const Json kNone;
  const std::size_t dot = task.rfind('.');
  const auto number = parse_integer(task.substr(dot + 1));
  for (const Json& attempt : attempts) {
    if (number_of(attempt, "started_us") <= at_us && number.ok())
      return instance_of(attempt, task.substr(0, dot), static_cast<std::size_t>(*number));
  }
  return kNone;
}

Json exception_of(const Json& event, const JobPlan& plan, const Json& attempts, const Site& site) {
  const std::string text = text_of(event, "text");
  Json out = {{"exceptionName", text.substr(0, text.find('\n'))},
              {"stacktrace", text},
              {"timestamp", milliseconds(event, "at_us")},
              {"failureLabels", {{"kind", text_of(event, "kind")}}},
              {"concurrentExceptions", Json::array()}};
  if (const std::string task = task_of(text, plan); !task.empty()) {
    out["taskName"] = task;
    const std::string host = host_of_instance(site, plan, instance_then(attempts, task, number_of(event, "at_us")));
    out["endpoint"] = host;
    out["taskManagerId"] = host_id(host);
  }
  return out;
}

}  // namespace

Answer get_jobs(Call& call) {
  Json jobs = Json::array();
  for (const std::string& name : call.jobs.names()) {
    const auto summary = call.jobs.summary(name);
    if (!summary.ok()) continue;  // it starts or ends at this very moment
    jobs.push_back({{"id", text_of(**summary, "id")}, {"status", facts_of(**summary, call.site.now_ms).status}});
  }
  return answer_with({{"jobs", std::move(jobs)}});
}

Answer get_jobs_overview(Call& call) {
  Json jobs = Json::array();
  for (const std::string& name : call.jobs.names()) {
    const auto summary = call.jobs.summary(name);
    if (summary.ok()) jobs.push_back(overview_of(**summary, call.site.now_ms));
  }
  return answer_with({{"jobs", std::move(jobs)}});
}

Answer get_job(Call& call) {
  STREAM_HTTP_ASSIGN(const SharedPlan plan, call.jobs.plan(call.job.name));
  STREAM_HTTP_ASSIGN(const SharedJson stats, call.jobs.stats(call.job.name));
  STREAM_HTTP_ASSIGN(const SharedJson attempts, call.jobs.list(call.job.name, "attempts"));
  const JobFacts facts = facts_of(*call.job.summary, call.site.now_ms);
  Json vertices = Json::array();
  for (const std::size_t i : plan->order) vertices.push_back(vertex_of(*plan, i, facts, *stats, call.site.now_ms));
  return answer_with(
      {{"jid", call.job.id},
       {"name", call.job.name},
       {"isStoppable", !facts.over},
       {"state", facts.status},
       {"job-type", "STREAMING"},
       {"schedulerType", "Adaptive"},
       {"start-time", facts.start_ms},
       {"end-time", facts.end_ms},
       {"duration", facts.duration_ms},
       {"maxParallelism", plan->pipeline.key_groups},
       {"now", call.site.now_ms},
       {"timestamps", timestamps_of(facts, *call.job.summary, *attempts)},
       {"vertices", std::move(vertices)},
       {"status-counts", task_counts(task_state(facts), static_cast<std::uint32_t>(plan->stages.size()))},
       {"plan", plan_of(call.job, *plan)},
       {"pending-operators", 0}});
}

Answer get_job_status(Call& call) {
  return answer_with({{"status", facts_of(*call.job.summary, call.site.now_ms).status}});
}

Answer get_job_plan(Call& call) {
  STREAM_HTTP_ASSIGN(const SharedPlan plan, call.jobs.plan(call.job.name));
  return answer_with({{"plan", plan_of(call.job, *plan)}});
}

Answer get_job_config(Call& call) {
  STREAM_HTTP_ASSIGN(const SharedPlan plan, call.jobs.plan(call.job.name));
  Json parameters = Json::object();
  for (const ParameterValue& parameter : plan->pipeline.parameters) parameters[parameter.name] = parameter.value;
  std::uint32_t parallelism = 1;
  for (const PlannedStage& stage : plan->stages) parallelism = std::max(parallelism, stage.parallelism);
  return answer_with({{"jid", call.job.id},
                      {"name", call.job.name},
                      {"execution-config",
                       {{"restart-strategy", restart_text(plan->pipeline.restart)},
                        {"job-parallelism", parallelism},
                        {"object-reuse-mode", false},
                        {"user-config", std::move(parameters)}}}});
}

Answer get_job_exceptions(Call& call) {
  constexpr std::int64_t kShown = 20;
  STREAM_HTTP_ASSIGN(const SharedPlan plan, call.jobs.plan(call.job.name));
  STREAM_HTTP_ASSIGN(const SharedJson events, call.jobs.list(call.job.name, "events"));
  STREAM_HTTP_ASSIGN(const SharedJson attempts, call.jobs.list(call.job.name, "attempts"));
  std::int64_t most = kShown;
  if (call.query.contains("maxExceptions")) {
    const auto wanted = parse_integer(call.value("maxExceptions"));
    if (!wanted.ok() || *wanted < 1) return refuse(400, "'maxExceptions' must be a whole number above 0");
    most = *wanted;
  }
  Json entries = Json::array();
  bool truncated = false;
  for (auto event = events->rbegin(); event != events->rend(); ++event) {
    if (text_of(*event, "kind") != "failed") continue;
    truncated = static_cast<std::int64_t>(entries.size()) == most;
    if (truncated) break;
    entries.push_back(exception_of(*event, *plan, *attempts, call.site));
  }
  return answer_with({{"exceptionHistory", {{"entries", std::move(entries)}, {"truncated", truncated}}}});
}

// What the user's own code counts. Serialized values are objects of Java.
Answer get_job_accumulators(Call& call) {
  STREAM_HTTP_ASSIGN(const SharedJson stats, call.jobs.stats(call.job.name));
  Accumulators sums;
  for (const Json& instance : stats->value("instances", Json::array())) sums.add(instance);
  return answer_with({{"job-accumulators", Json::array()},
                      {"user-task-accumulators", sums.json()},
                      {"serialized-user-task-accumulators", Json::object()}});
}

Answer get_job_result(Call& call) {
  const JobFacts facts = facts_of(*call.job.summary, call.site.now_ms);
  if (!facts.over) return answer_with({{"status", {{"id", "IN_PROGRESS"}}}});
  const std::string status = facts.status == "FINISHED"   ? "SUCCEEDED"
                             : facts.status == "FAILED"   ? "FAILED"
                             : facts.status == "CANCELED" ? "CANCELED"
                                                          : "UNKNOWN";
  Json result = {{"id", call.job.id},
                 {"application-status", status},
                 {"net-runtime", facts.duration_ms},
                 {"accumulator-results", Json::object()}};
  if (status == "FAILED") {
    const std::string reason = text_of(*call.job.summary, "reason");
    result["failure-cause"] = {{"class", "stream.JobFailed"}, {"stack-trace", reason}, {"serialized-throwable", ""}};
  }
  return answer_with({{"status", {{"id", "COMPLETED"}}}, {"job-execution-result", std::move(result)}});
}

Answer get_job_summary(Call& call) { return answer_with(*call.job.summary); }

Answer get_job_stats(Call& call) {
  STREAM_HTTP_ASSIGN(const SharedJson stats, call.jobs.stats(call.job.name));
  Json out = *stats;
  out.erase("ok");
  return answer_with(out);
}

Answer get_job_events(Call& call) {
  STREAM_HTTP_ASSIGN(const SharedJson events, call.jobs.list(call.job.name, "events"));
  return answer_with(*events);
}

Answer get_job_savepoints(Call& call) {
  STREAM_HTTP_ASSIGN(const SharedJson savepoints, call.jobs.list(call.job.name, "savepoints"));
  Json out = *savepoints;
  for (Json& savepoint : out) {
    std::error_code error;
    savepoint["job"] = call.job.name;
    savepoint["there"] = std::filesystem::exists(text_of(savepoint, "path"), error);
  }
  return answer_with(out);
}

}  // namespace stream::http
