#include "supervisor/job_lists.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "transport/base/check.h"

namespace stream {
namespace {

using nlohmann::json;

constexpr std::size_t kEventsShown = 1000;
constexpr std::size_t kCheckpointsShown = 100;

json to_json(const EventRecord& record) {
  return {{"at_us", record.at_us}, {"kind", record.kind}, {"text", record.text}};
}

json to_json(const SavepointRecord& record) {
  return {
      {"epoch", record.epoch},     {"path", record.path}, {"label", record.label}, {"created_us", record.created_us},
      {"drained", record.drained}, {"note", record.note}, {"bytes", record.bytes}, {"written_by", record.written_by}};
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
    STREAM_ASSIGN(checkpoints, store.checkpoints(most));
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
  return what == "events" || what == "checkpoints" || what == "savepoints" || what == "savepoint-schedule";
}

Result<json> job_list(JobStore& store, std::string_view what) {
  STREAM_CHECK(is_job_list(what));
  if (what == "events") return listed(store.events(kEventsShown));
  if (what == "savepoint-schedule") return schedule_list(store);
  if (what == "savepoints") return listed(store.savepoints());
  return listed(store.checkpoints(kCheckpointsShown));
}

}  // namespace stream
