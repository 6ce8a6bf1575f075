#include <algorithm>
#include <cmath>
#include <set>

#include "supervisor/http/checkpoint_history.h"
#include "supervisor/http/dispatch.h"
#include "supervisor/http/facts.h"
#include "supervisor/http/handlers.h"
#include "supervisor/percentile.h"
#include "transport/base/text.h"

namespace stream::http {
namespace {

// What one instance told of a checkpoint.
struct Report {
  std::string stage;
  std::int64_t instance = 0;
  Json told;
};

// An instance calls itself "totals.2".
std::vector<Report> reports_of(const Json& checkpoint) {
  std::vector<Report> reports;
  const auto detail = checkpoint.find("detail");
  if (detail == checkpoint.end() || !detail->is_array()) return reports;
  for (const Json& told : *detail) {
    const std::string label = text_of(told, "instance");
    const std::size_t dot = label.rfind('.');
    const auto number = dot == std::string::npos ? Result<std::int64_t>(0) : parse_integer(label.substr(dot + 1));
    reports.push_back({number.ok() ? label.substr(0, dot) : label, number.ok() ? *number : 0, told});
  }
  return reports;
}

std::string status_of(const Json& checkpoint) {
  const std::string status = text_of(checkpoint, "status");
  if (status == "aborted") return "FAILED";
  return status == "triggered" ? "IN_PROGRESS" : "COMPLETED";
}

std::int64_t latency_us(const Json& told) {
  std::int64_t sum = 0;
  for (const char* part : {"start_delay_us", "alignment_us", "sync_us", "async_us"}) sum += number_of(told, part);
  return std::max<std::int64_t>(0, sum);
}

// Sums over the instances of a stage, or of all. Nothing in flight is ever part of a checkpoint: its barriers wait.
Json task_of(const Json& checkpoint, const std::vector<Report>& reports, std::uint32_t subtasks) {
  std::int64_t bytes = 0;
  std::int64_t latest_us = 0;
  for (const Report& report : reports) {
    bytes += number_of(report.told, "bytes");
    latest_us = std::max(latest_us, latency_us(report.told));
  }
  const std::int64_t triggered = number_of(checkpoint, "triggered_us");
  return {{"id", number_of(checkpoint, "epoch")},
          {"status", status_of(checkpoint)},
          {"latest_ack_timestamp", reports.empty() ? -1 : (triggered + latest_us) / 1000},
          {"checkpointed_size", bytes},
          {"state_size", bytes},
          {"end_to_end_duration", reports.empty() ? -1 : latest_us / 1000},
          {"alignment_buffered", 0},
          {"processed_data", 0},
          {"persisted_data", 0},
          {"num_subtasks", subtasks},
          {"num_acknowledged_subtasks", reports.size()}};
}

std::vector<Report> of_stage(const std::vector<Report>& reports, const std::string& stage) {
  std::vector<Report> some;
  for (const Report& report : reports) {
    if (report.stage == stage) some.push_back(report);
  }
  return some;
}

std::uint32_t instances_of(const JobPlan& plan) {
  std::uint32_t count = 0;
  for (const PlannedStage& stage : plan.stages) count += stage.parallelism;
  return count;
}

// Where they are: of those that became savepoints that, of the others their index while it is kept.
struct Places {
  std::map<std::int64_t, std::string> savepoints;
  std::map<std::int64_t, std::string> kept;
};

Result<Places> places_of(Jobs& jobs, const std::string& job) {
  STREAM_ASSIGN(const SharedJson savepoints, jobs.list(job, "savepoints"));
  Places places;
  for (const Json& savepoint : *savepoints)
    places.savepoints[number_of(savepoint, "epoch")] = text_of(savepoint, "path");
  places.kept = jobs.kept_checkpoints(job);
  return places;
}

Json checkpoint_of(const Json& checkpoint, const JobPlan& plan, const Places& places, bool with_tasks) {
  const std::vector<Report> reports = reports_of(checkpoint);
  Json out = task_of(checkpoint, reports, instances_of(plan));
  const std::string status = out["status"];
  const std::int64_t epoch = number_of(checkpoint, "epoch");
  const auto savepoint = places.savepoints.find(epoch);
  const auto kept = places.kept.find(epoch);
  const bool is_savepoint = savepoint != places.savepoints.end();
  out["className"] = status == "FAILED" ? "failed" : status == "COMPLETED" ? "completed" : "in_progress";
  out["is_savepoint"] = is_savepoint;
  if (is_savepoint) out["savepointFormat"] = "CANONICAL";
  out["checkpoint_type"] = is_savepoint ? "SAVEPOINT" : "CHECKPOINT";
  out["trigger_timestamp"] = milliseconds(checkpoint, "triggered_us");
  out["tasks"] = Json::object();
  if (status != "IN_PROGRESS") {
    out["end_to_end_duration"] = milliseconds(checkpoint, "duration_us");
    out["latest_ack_timestamp"] = milliseconds(checkpoint, "ended_us");
  }
  if (status == "COMPLETED") {
    out["checkpointed_size"] = number_of(checkpoint, "bytes");
    out["state_size"] = number_of(checkpoint, "bytes");
    const bool gone = !is_savepoint && kept == places.kept.end();
    out["external_path"] = is_savepoint ? savepoint->second
                           : gone       ? "<checkpoint-not-externally-addressable>"
                                        : kept->second;
    out["discarded"] = gone;
  }
  if (status == "FAILED") {
    const Json detail = checkpoint.value("detail", Json::object());
    out["failure_timestamp"] = milliseconds(checkpoint, "ended_us");
    out["failure_message"] = detail.is_object() ? text_of(detail, "reason") : "";
  }
  for (std::size_t i = 0; with_tasks && i < plan.stages.size(); ++i) {
    const std::string& stage = plan.pipeline.stages[i].name;
    out["tasks"][vertex_id(stage)] = task_of(checkpoint, of_stage(reports, stage), plan.stages[i].parallelism);
  }
  return out;
}

// As the store has counted it, in another unit.
Json spread_of(const Json& counted, const char* what, double per) {
  const Json spread = counted.value(what, Json::object());
  Json out = statistics({});
  for (const char* name : {"min", "max", "avg"}) out[name] = std::llround(real_of(spread, name) / per);
  for (const auto& [name, share] : kPercentiles) out[name] = real_of(spread, name) / per;
  return out;
}

// Of all that the job has ever completed.
Json summary_of(const Json& counted) {
  const Json sizes = spread_of(counted, "bytes", 1);
  const Json none = statistics({});
  return {{"checkpointed_size", sizes},
          {"state_size", sizes},
          {"end_to_end_duration", spread_of(counted, "duration_us", 1000)},
          {"alignment_buffered", none},
          {"processed_data", none},
          {"persisted_data", none}};
}

// Of all that the job has ever taken: `counted` is what its store has counted.
Json counts_of(const Json& checkpoints, const Json& counted) {
  std::int64_t in_progress = 0;
  for (const Json& checkpoint : checkpoints) in_progress += status_of(checkpoint) == "IN_PROGRESS" ? 1 : 0;
  const std::int64_t completed = number_of(counted, "completed");
  const std::int64_t failed = number_of(counted, "failed");
  return {{"restored", number_of(counted, "restored")},
          {"total", completed + failed + in_progress},
          {"in_progress", in_progress},
          {"completed", completed},
          {"failed", failed}};
}

// What the newest attempt of this run that began with state began with; null if there is none.
Json restored_of(const Json& attempts, const Json& summary, const Places& places) {
  for (const Json& attempt : attempts) {
    const auto restored = attempt.find("restored");
    if (restored == attempt.end() || !is_of_run(attempt, summary)) continue;
    const std::int64_t epoch = number_of(*restored, "epoch");
    const std::string savepoint = text_of(*restored, "savepoint");
    Json out = {{"id", epoch},
                {"restore_timestamp", milliseconds(attempt, "started_us")},
                {"is_savepoint", !savepoint.empty()}};
    const auto kept = places.kept.find(epoch);
    if (!savepoint.empty())
      out["external_path"] = savepoint;
    else if (kept != places.kept.end())
      out["external_path"] = kept->second;
    return out;
  }
  return {};
}

Result<SharedJson> find_checkpoint(Call& call, Json& found) {
  STREAM_ASSIGN(SharedJson checkpoints, call.jobs.list(call.job.name, "checkpoint-history"));
  const std::string& wanted = call.path.find("checkpointid")->second;
  for (const Json& checkpoint : *checkpoints) {
    if (std::to_string(number_of(checkpoint, "epoch")) == wanted) found = checkpoint;
  }
  if (!found.is_null()) return checkpoints;
  return Status(Code::kNotFound, "job '" + call.job.name + "' has no checkpoint '" + wanted +
                                     "' among its newest 100, which /jobs/" + call.job.id + "/checkpoints lists");
}

Json subtask_of(const Json& checkpoint, const Report& report) {
  const Json& told = report.told;
  return {{"className", "completed"},
          {"index", report.instance},
          {"status", "completed"},
          {"ack_timestamp", (number_of(checkpoint, "triggered_us") + latency_us(told)) / 1000},
          {"end_to_end_duration", latency_us(told) / 1000},
          {"state_size", number_of(told, "bytes")},
          {"checkpointed_size", number_of(told, "bytes")},
          {"checkpoint", {{"sync", milliseconds(told, "sync_us")}, {"async", milliseconds(told, "async_us")}}},
          {"alignment",
           {{"buffered", 0}, {"processed", 0}, {"persisted", 0}, {"duration", milliseconds(told, "alignment_us")}}},
          {"start_delay", std::max<std::int64_t>(0, milliseconds(told, "start_delay_us"))},
          {"unaligned_checkpoint", false},
          {"aborted", status_of(checkpoint) == "FAILED"}};
}

Json statistics_of(const std::vector<Report>& reports, const char* key, double per) {
  std::vector<double> values;
  values.reserve(reports.size());
  for (const Report& report : reports) values.push_back(real_of(report.told, key) / per);
  return statistics(std::move(values));
}

Json subtask_summary(const std::vector<Report>& reports) {
  std::vector<double> times;
  times.reserve(reports.size());
  for (const Report& report : reports) times.push_back(static_cast<double>(latency_us(report.told)) / 1000);
  const Json sizes = statistics_of(reports, "bytes", 1);
  const Json none = statistics({});
  return {{"state_size", sizes},
          {"checkpointed_size", sizes},
          {"end_to_end_duration", statistics(times)},
          {"checkpoint_duration",
           {{"sync", statistics_of(reports, "sync_us", 1000)}, {"async", statistics_of(reports, "async_us", 1000)}}},
          {"alignment",
           {{"buffered", none},
            {"processed", none},
            {"persisted", none},
            {"duration", statistics_of(reports, "alignment_us", 1000)}}},
          {"start_delay", statistics_of(reports, "start_delay_us", 1000)}};
}

}  // namespace

Result<Json> in_history(Jobs& jobs, const std::string& job, const Json& checkpoints) {
  STREAM_ASSIGN(const SharedPlan plan, jobs.plan(job));
  STREAM_ASSIGN(const Places places, places_of(jobs, job));
  Json history = Json::array();
  for (const Json& checkpoint : checkpoints) history.push_back(checkpoint_of(checkpoint, *plan, places, false));
  return history;
}

Answer get_checkpoints(Call& call) {
  constexpr std::size_t kHistory = 10;
  STREAM_HTTP_ASSIGN(const SharedPlan plan, call.jobs.plan(call.job.name));
  STREAM_HTTP_ASSIGN(const SharedJson checkpoints, call.jobs.list(call.job.name, "checkpoint-history"));
  STREAM_HTTP_ASSIGN(const SharedJson counted, call.jobs.list(call.job.name, "checkpoint-counts"));
  STREAM_HTTP_ASSIGN(const SharedJson attempts, call.jobs.list(call.job.name, "attempts"));
  STREAM_HTTP_ASSIGN(const Places places, places_of(call.jobs, call.job.name));
  const Json all = counted->empty() ? Json::object() : counted->front();
  Json history = Json::array();
  Json latest = Json::object();
  for (const Json& checkpoint : *checkpoints) {
    Json one = checkpoint_of(checkpoint, *plan, places, false);
    const std::string kind = one["className"] == "failed" ? "failed" : one["is_savepoint"] ? "savepoint" : "completed";
    const bool ours = is_of_run(checkpoint, *call.job.summary);  // what came before is history alone
    if (ours && one["className"] != "in_progress" && !latest.contains(kind)) latest[kind] = one;
    if (history.size() < kHistory) history.push_back(std::move(one));
  }
  if (Json restored = restored_of(*attempts, *call.job.summary, places); !restored.is_null())
    latest["restored"] = std::move(restored);
  return answer_with({{"counts", counts_of(*checkpoints, all)},
                      {"summary", summary_of(all)},
                      {"latest", std::move(latest)},
                      {"history", std::move(history)}});
}

Answer get_checkpoint_config(Call& call) {
  STREAM_HTTP_ASSIGN(const SharedPlan plan, call.jobs.plan(call.job.name));
  const CheckpointSpec& spec = plan->pipeline.checkpoint;
  constexpr std::int64_t kNever = INT64_MAX;  // as Flink says it
  return answer_with({{"mode", spec.mode == CheckpointMode::kExactlyOnce ? "EXACTLY_ONCE" : "AT_LEAST_ONCE"},
                      {"interval", spec.enabled ? spec.interval / 1000 : kNever},
                      {"timeout", spec.timeout / 1000},
                      {"min_pause", spec.min_pause / 1000},
                      {"max_concurrent", 1},
                      {"externalization", {{"enabled", true}, {"delete_on_cancellation", false}}},
                      {"state_backend", "stream state tables"},
                      {"checkpoint_storage", spec.path.empty() ? "SQLite files of the job" : spec.path},
                      {"unaligned_checkpoints", false},
                      {"tolerable_failed_checkpoints", INT32_MAX},
                      {"aligned_checkpoint_timeout", 0},
                      {"checkpoints_after_tasks_finish", true},
                      {"state_changelog_enabled", false},
                      {"changelog_periodic_materialization_interval", -1},
                      {"changelog_storage", ""}});
}

Answer get_checkpoint(Call& call) {
  Json checkpoint;
  STREAM_HTTP_ASSIGN(const SharedPlan plan, call.jobs.plan(call.job.name));
  if (const auto found = find_checkpoint(call, checkpoint); !found.ok()) return refuse(found.status());
  STREAM_HTTP_ASSIGN(const Places places, places_of(call.jobs, call.job.name));
  return answer_with(checkpoint_of(checkpoint, *plan, places, true));
}

Answer get_checkpoint_subtasks(Call& call) {
  Json checkpoint;
  if (const auto found = find_checkpoint(call, checkpoint); !found.ok()) return refuse(found.status());
  const std::uint32_t parallelism = call.plan->stages[call.stage].parallelism;
  const std::vector<Report> reports = of_stage(reports_of(checkpoint), call.plan->pipeline.stages[call.stage].name);
  Json out = task_of(checkpoint, reports, parallelism);
  out["summary"] = subtask_summary(reports);
  out["subtasks"] = Json::array();
  std::set<std::int64_t> seen;
  for (const Report& report : reports) {
    out["subtasks"].push_back(subtask_of(checkpoint, report));
    seen.insert(report.instance);
  }
  for (std::int64_t i = 0; i < parallelism; ++i) {
    if (!seen.contains(i))
      out["subtasks"].push_back({{"className", "pending"}, {"index", i}, {"status", "pending_or_failed"}});
  }
  return answer_with(out);
}

}  // namespace stream::http
