#include "supervisor/job_lists.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "supervisor/percentile.h"
#include "transport/base/check.h"

namespace stream {
namespace {

using nlohmann::json;

constexpr std::size_t kEventsShown = 1000;
constexpr std::size_t kCheckpointsShown = 100;
constexpr std::size_t kAttemptsShown = kAttemptsKept;

json to_json(const EventRecord& record) {
  return {{"at_us", record.at_us}, {"kind", record.kind}, {"text", record.text}};
}

json to_json(const SavepointRecord& record) {
  return {
      {"epoch", record.epoch},     {"path", record.path}, {"label", record.label}, {"created_us", record.created_us},
      {"drained", record.drained}, {"note", record.note}, {"bytes", record.bytes}, {"written_by", record.written_by}};
}

json to_json(const AttemptRecord& r) {
  json out = {{"attempt", r.attempt},
              {"run", r.run},
              {"started_us", r.started_us},
              {"running_us", r.running_us},
              {"ended_us", r.ended_us},
              {"outcome", r.outcome},
              {"instances", json::parse(r.instances, nullptr, false)}};
  if (r.restored != 0) out["restored"] = {{"epoch", r.restored}, {"savepoint", r.savepoint}};
  return out;
}

json to_json(const CheckpointSpread& spread) {
  json out = {{"number", spread.number}, {"min", spread.least}, {"max", spread.most}};
  out["avg"] = spread.number == 0 ? 0 : spread.sum / static_cast<double>(spread.number);
  for (const auto& [name, share] : kPercentiles) out[name] = percentile(spread.values, share);
  return out;
}

Result<json> counts_list(JobStore& store) {
  STREAM_ASSIGN(const CheckpointCounts counts, store.checkpoint_counts());
  STREAM_ASSIGN(const CheckpointSpreads spreads, store.checkpoint_spreads());
  return json::array({{{"completed", counts.completed},
                       {"failed", counts.failed},
                       {"restored", counts.restored},
                       {"bytes", to_json(spreads.bytes)},
                       {"duration_us", to_json(spreads.duration_us)}}});
}

Result<json> schedule_list(JobStore& store) {
  STREAM_ASSIGN(const SavepointSchedule schedule, store.savepoint_schedule());
  if (schedule == SavepointSchedule()) return json::array();
  json line = rules_to_json(schedule.rules);
  line["next_us"] = schedule.next_us;
  line["by_hand"] = schedule.by_hand();
  return json::array({std::move(line)});
}

template <class T>
json array_of(const std::vector<T>& records) {
  json list = json::array();
  for (const T& record : records) list.push_back(to_json(record));
  return list;
}

template <class T>
Result<json> listed(Result<std::vector<T>> records) {
  if (!records.ok()) return std::move(records).status();
  return array_of(*records);
}

}  // namespace

json to_json(const CheckpointRecord& record) {
  return {{"epoch", record.epoch},
          {"status", record.status},
          {"triggered_us", record.triggered_us},
          {"ended_us", record.ended_us},
          {"bytes", record.bytes},
          {"duration_us", record.ended_us - record.triggered_us},
          {"run", record.run},
          {"detail", json::parse(record.detail, nullptr, false)}};
}

Result<json> job_news(JobStore& store, Microseconds since) {
  // Mostly there is little: all is read where the few are not enough.
  constexpr std::size_t kFew = 8;
  constexpr std::size_t kMost = 1000;
  std::vector<EventRecord> events;
  std::vector<CheckpointRecord> checkpoints;
  for (const std::size_t most : {kFew, kMost}) {
    STREAM_ASSIGN(events, store.events(most));
    if (events.size() < most || events.front().at_us <= since) break;
  }
  for (const std::size_t most : {kFew, kMost}) {
    STREAM_ASSIGN(checkpoints, store.checkpoint_history(most));
    if (checkpoints.size() < most || checkpoints.back().triggered_us <= since) break;
  }
  std::ranges::reverse(checkpoints);
  std::erase_if(events, [since](const EventRecord& event) { return event.at_us <= since; });
  std::erase_if(checkpoints, [since](const CheckpointRecord& checkpoint) { return checkpoint.ended_us <= since; });
  return json{{"events", array_of(events)}, {"checkpoints", array_of(checkpoints)}};
}

json stages_to_json(const JobPlan& plan) {
  json out = json::array();
  for (std::size_t i = 0; i < plan.stages.size(); ++i)
    out.push_back({{"stage", plan.pipeline.stages[i].name},
                   {"parallelism", plan.stages[i].parallelism},
                   {"role", role_name(plan.stages[i].role)}});
  return out;
}

bool is_job_list(std::string_view what) {
  constexpr std::array<std::string_view, 7> kLists = {
      "events",   "checkpoints",       "savepoints", "savepoint-schedule", "checkpoint-history",
      "attempts", "checkpoint-counts",
  };
  return std::ranges::find(kLists, what) != kLists.end();
}

Result<json> job_list(JobStore& store, std::string_view what) {
  STREAM_CHECK(is_job_list(what));
  if (what == "events") return listed(store.events(kEventsShown));
  if (what == "savepoint-schedule") return schedule_list(store);
  if (what == "savepoints") return listed(store.savepoints());
  if (what == "checkpoint-history") return listed(store.checkpoint_history(kCheckpointsShown));
  if (what == "checkpoint-counts") return counts_list(store);
  if (what == "attempts") return listed(store.attempts(kAttemptsShown));
  return listed(store.checkpoints(kCheckpointsShown));
}

}  // namespace stream
