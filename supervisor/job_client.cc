#include "supervisor/job_client.h"

#include <functional>
#include <nlohmann/json.hpp>

#include "snapshot/spool.h"
#include "supervisor/checkpoint_place.h"
#include "supervisor/job_lists.h"
#include "supervisor/job_upgrade.h"
#include "supervisor/last_look.h"
#include "supervisor/plan.h"
#include "supervisor/standby_mark.h"
#include "transport/base/files.h"
#include "transport/base/text.h"
#include "transport/control.h"

namespace stream {

using nlohmann::json;

namespace {

Result<std::string> only_job(const std::vector<std::string>& jobs) {
  std::vector<std::string> running;
  for (const std::string& job : jobs) {
    if (JobLock::runs(job_paths(job))) running.push_back(job);
  }
  if (running.size() == 1) return running.front();
  if (running.empty() && jobs.size() == 1) return jobs.front();
  if (jobs.empty()) return usage_error("there is no job; start one with 'stream run'");
  return usage_error("say which job: " + join(running.empty() ? jobs : running, ", "));
}

Result<json> answer_of(const std::string& text) {
  json answer = json::parse(text, nullptr, false);
  if (answer.is_object() && answer.contains("error")) return failed(answer["error"].get<std::string>());
  return answer;
}

// As who stands by says; he has only begun to where he says nothing yet.
std::string led_by(const json& standby) {
  const std::string host = standby.value("host", "");
  return host.empty() ? "led by nobody that is known yet"
                      : "led by " + host + " (process " + std::to_string(standby.value("pid", 0)) + ")";
}

Status does_not_run(const JobPaths& job) {
  const auto standby = standby_of(job);
  if (!standby) return {Code::kPeerGone, "job '" + job.job + "' does not run"};
  return {Code::kPeerGone, "job '" + job.job + "' does not run here, where a supervisor stands by: it is " +
                               led_by(*standby) + "; ask there"};
}

// Waits until this supervisor is gone, or the time is over. It is ending: that shows within milliseconds.
Status wait_for_end_of(pid_t supervisor, const JobPaths& job) {
  const Microseconds deadline = system_clock().monotonic_us() + kQuickAnswer;
  Poller pause;
  while (JobLock::supervisor(job) == supervisor && system_clock().monotonic_us() < deadline)
    STREAM_TRY(pause.wait(2'000));
  return {};
}

// No answer: the supervisor has the job and does not listen yet.
Result<std::optional<json>> ask_once(const JobPaths& job, const std::string& request, Microseconds timeout,
                                     const OnStep& on_step) {
  const pid_t supervisor = JobLock::supervisor(job);
  if (supervisor == 0) return does_not_run(job);
  Transport transport;
  STREAM_ASSIGN(ControlClient client, ControlClient::connect(transport, job.verb_endpoint(), ""));
  STREAM_TRY(client.send(request));
  const Microseconds began = system_clock().monotonic_us();
  for (;;) {
    // In this order: what the supervisor said before it went has arrived by the time its going shows.
    const bool lost = client.lost();
    auto message = client.receive();
    if (!message.ok()) return std::move(message).status();
    if (*message) {
      STREAM_ASSIGN(json answer, answer_of(**message));
      if (on_step && answer.contains("step")) {
        on_step(answer);
        continue;
      }
      return std::optional<json>(std::move(answer));
    }
    if (lost) {
      STREAM_TRY(wait_for_end_of(supervisor, job));
      return does_not_run(job);
    }
    if (client.socket().connection_refused()) {
      client.socket().set_linger(0);  // nobody will take the question
      return std::optional<json>();
    }
    const Microseconds left = timeout < 0 ? 1'000'000 : began + timeout - system_clock().monotonic_us();
    if (left <= 0) return std::optional<json>();
    Poller poller;
    poller.add(client.socket().handle());
    poller.add(client.socket().monitor());
    STREAM_TRY(poller.wait(left));
  }
}

}  // namespace

Result<JobPaths> find_job(const std::string& name_or_id) {
  const std::vector<std::string> jobs = list_jobs();
  if (name_or_id.empty()) {
    STREAM_ASSIGN(const std::string job, only_job(jobs));
    return job_paths(job);
  }
  std::vector<std::string> matching;
  for (const std::string& job : jobs) {
    if (job == name_or_id) return job_paths(job);
    const auto summary = name_or_id.size() >= 4 ? job_summary(job_paths(job)) : Result<json>(json::object());
    if (summary.ok() && summary->value("id", "").starts_with(name_or_id) && name_or_id.size() >= 4)
      matching.push_back(job);
  }
  if (matching.size() == 1) return job_paths(matching.front());
  if (matching.size() > 1)
    return usage_error("'" + name_or_id + "' begins the ids of " + join(matching, ", ") + "; give more of it");
  return usage_error("there is no job '" + name_or_id + "'" + did_you_mean(name_or_id, jobs) +
                     "; 'stream ps --all' lists all");
}

Result<json> ask_job(const JobPaths& job, const json& request, Microseconds timeout, const OnStep& on_step) {
  const std::string text = request.dump();
  const Microseconds patience = timeout < 0 ? kQuickAnswer : timeout;
  const Microseconds deadline = system_clock().monotonic_us() + patience;
  Poller pause;
  for (;;) {
    STREAM_ASSIGN(auto answer, ask_once(job, text, timeout, on_step));
    if (answer) return std::move(*answer);
    if (system_clock().monotonic_us() >= deadline) {
      return Status(Code::kInterrupted,
                    "the supervisor of '" + job.job + "' did not answer within " + format_duration(patience));
    }
    STREAM_TRY(pause.wait(2'000));
  }
}

Status wait_until_over(const JobPaths& job) {
  const pid_t supervisor = JobLock::supervisor(job);
  return supervisor == 0 ? Status() : wait_for_end_of(supervisor, job);
}

Result<std::unique_ptr<JobStore>> open_store(const JobPaths& job, std::optional<JobLock>* lock) {
  STREAM_ASSIGN(JobLock taken, JobLock::visit(job));
  lock->emplace(std::move(taken));
  STREAM_ASSIGN(auto store, JobStore::open(job.store()));
  STREAM_TRY(settle_upgrade(*store, job));
  return store;
}

namespace {

json standing_by(const JobPaths& job, const json& standby) {
  return {{"job", job.job},
          {"id", standby.value("id", "")},
          {"run", standby.value("run", "")},
          {"state", "STANDBY"},
          {"supervisor_pid", standby.value("own_pid", 0)},
          {"attempt", 0},
          {"restarts", 0},
          {"started_us", standby.value("since_us", Microseconds{0})},
          {"submitted_us", 0},
          {"ended_us", 0},
          {"checkpoint", standby.value("checkpoint", std::uint64_t{0})},
          {"stages", json::array()},
          {"leader", standby},
          {"reason", led_by(standby)}};
}

}  // namespace

Result<json> stored_summary(const JobPaths& job) {
  if (auto standby = standby_of(job)) return standing_by(job, *standby);
  std::optional<JobLock> lock;
  STREAM_ASSIGN(const auto store, open_store(job, &lock));
  STREAM_ASSIGN(const auto record, store->load());
  if (!record) return Status(Code::kNotFound, "job '" + job.job + "' has never run");
  STREAM_ASSIGN(const auto checkpoints, store->checkpoints(1));
  const auto plan = plan_from_json(record->plan);
  // Without its supervisor, RUNNING means that it was killed: `stream run` goes on.
  const bool dead = record->state == JobState::kRunning;
  return json{{"job", job.job},
              {"id", record->id},
              {"run", record->run},
              {"state", dead ? "DEAD" : std::string(to_string(record->state))},
              {"supervisor_pid", nullptr},
              {"attempt", record->attempt.value()},
              {"restarts", 0},
              {"started_us", record->submitted_us},
              {"submitted_us", record->submitted_us},
              {"ended_us", record->ended_us},
              {"checkpoint", checkpoints.empty() ? 0 : checkpoints.front().epoch},
              {"stages", plan.ok() ? stages_to_json(*plan) : json::array()},
              {"reason", dead ? "its supervisor was killed; 'stream run' goes on" : record->reason}};
}

namespace {

// Asks the supervisor, or reads the store where there is none. One may begin or end between the two looks.
Result<json> ask_or_read(const JobPaths& job, const json& request, const std::function<Result<json>()>& read) {
  constexpr int kLooks = 5;
  for (int look = 1;; ++look) {
    auto answer = ask_job(job, request, kQuickAnswer);
    if (answer.ok() || answer.status().code() != Code::kPeerGone) return answer;
    auto stored = read();
    if (stored.ok() || look == kLooks || !JobLock::runs(job)) return stored;
  }
}

}  // namespace

Result<json> list_of_job(const JobPaths& job, const std::string& what) {
  STREAM_ASSIGN(const json answer, ask_or_read(job, {{"verb", what}}, [&]() -> Result<json> {
                  std::optional<JobLock> lock;
                  STREAM_ASSIGN(const auto store, open_store(job, &lock));
                  STREAM_ASSIGN(json list, job_list(*store, what));
                  return json{{what, std::move(list)}};
                }));
  return answer[what];
}

Result<json> plan_text_of_job(const JobPaths& job) {
  STREAM_ASSIGN(const json answer, ask_or_read(job, {{"verb", "plan"}}, [&]() -> Result<json> {
                  std::optional<JobLock> lock;
                  STREAM_ASSIGN(const auto store, open_store(job, &lock));
                  STREAM_ASSIGN(const auto record, store->load());
                  return json{{"plan", record ? record->plan : ""}};
                }));
  return json(answer.value("plan", ""));
}

Result<JobPlan> plan_of_job(const JobPaths& job) {
  STREAM_ASSIGN(const json text, plan_text_of_job(job));
  return plan_from_json(text.get_ref<const std::string&>());
}

Result<std::vector<std::string>> stages_of_job(const JobPaths& job) {
  STREAM_ASSIGN(const JobPlan plan, plan_of_job(job));
  std::vector<std::string> names;
  for (const StageSpec& stage : plan.pipeline.stages) names.push_back(stage.name);
  return names;
}

Result<json> stats_of_job(const JobPaths& job) {
  return ask_or_read(job, {{"verb", "stats"}}, [&]() -> Result<json> {
    json stats = last_look(job);
    stats.erase("groups");
    STREAM_ASSIGN(stats["job"], stored_summary(job));
    return stats;
  });
}

Result<json> metrics_of_job(const JobPaths& job) {
  STREAM_ASSIGN(const json answer,
                ask_or_read(job, {{"verb", "metrics"}}, [&]() -> Result<json> { return last_look(job); }));
  return answer.value("groups", json::array());
}

Result<json> job_summary(const JobPaths& job) {
  STREAM_ASSIGN(json summary, ask_or_read(job, {{"verb", "summary"}}, [&] { return stored_summary(job); }));
  summary.erase("ok");
  return summary;
}

namespace {

// By saying so in its store.
Status cancel_stored(const JobPaths& job) {
  if (standby_of(job)) return does_not_run(job);
  if (const std::string place = shared_place(job); !place.empty()) {
    return failed("job '" + job.job + "' does not run here, and others may run it: what it is stands at " + place +
                  "; begin it with 'stream run " + place + "', and cancel it then");
  }
  std::optional<JobLock> lock;
  STREAM_ASSIGN(const auto store, open_store(job, &lock));
  STREAM_ASSIGN(auto record, store->load());
  if (!record) return failed("job '" + job.job + "' has never run");
  record->state = JobState::kCancelled;
  record->reason = "cancelled";
  STREAM_TRY(store->save(*record));
  // Nobody can go on with it: what it had taken in is of no use, and without a name neither is the rest.
  STREAM_TRY(clear_spool(system_files(), job.spool()));
  const auto plan = plan_from_json(record->plan);
  if (plan.ok() && plan->pipeline.ad_hoc) remove_job(job);
  return {};
}

// A supervisor that ends at once may be gone before its answer has arrived; its store tells.
bool is_cancelled(const JobPaths& job) {
  const auto summary = stored_summary(job);
  return summary.ok() && summary->value("state", "") == to_string(JobState::kCancelled);
}

}  // namespace

Status cancel_job(const JobPaths& job) {
  if (!JobLock::runs(job)) return cancel_stored(job);
  const auto answer = ask_job(job, {{"verb", "cancel"}}, kNoLimit);
  if (!answer.ok() && !(answer.status().code() == Code::kPeerGone && is_cancelled(job))) return answer.status();
  return wait_until_over(job);
}

}  // namespace stream
