#include <algorithm>
// The verbs that show jobs: ps, show, events.
#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/table.h"
#include "cli/verb.h"
#include "cli/verb_values.h"
#include "supervisor/job_client.h"
#include "supervisor/standby_mark.h"
#include "transport/base/text.h"

namespace stream {
namespace {

using nlohmann::json;

std::string number(const json& object, const char* key) { return std::to_string(object.value(key, std::uint64_t{0})); }

std::string unless_zero(const json& object, const char* key) {
  return object.value(key, std::uint64_t{0}) == 0 ? "" : number(object, key);
}

std::string age(Microseconds since) {
  if (since == 0) return "-";
  return format_duration((system_clock().wall_us() - since) / 1'000'000 * 1'000'000);
}

// A job that ends, or starts, at this very moment has no summary.
std::vector<json> summaries(bool all) {
  std::vector<json> out;
  for (const std::string& name : list_jobs()) {
    const JobPaths job = job_paths(name);
    if (!all && !JobLock::runs(job) && !standby_of(job)) continue;
    auto summary = job_summary(job);
    if (summary.ok()) out.push_back(*std::move(summary));
  }
  return out;
}

// "made 1, totals 3"
std::string stages_of(const json& summary) {
  std::string out;
  for (const json& stage : summary.value("stages", json::array()))
    out += (out.empty() ? "" : ", ") + stage.value("stage", "") + " " + stage["parallelism"].dump();
  return out;
}

// Of all stages.
std::string instances_of(const json& summary) {
  std::uint64_t sum = 0;
  for (const json& stage : summary.value("stages", json::array())) sum += stage.value("parallelism", std::uint64_t{0});
  return std::to_string(sum);
}

// "on: totals 2 (1..8, within)"; "" where no stage has bounds.
std::string scaling_of(const json& summary) {
  const json scaling = summary.value("autoscale", json::object());
  std::string out;
  for (const json& stage : scaling.value("stages", json::array())) {
    out += (out.empty() ? scaling.value("mode", "") + ": " : ", ") + stage.value("stage", "") + " " +
           number(stage, "parallelism") + " (" + number(stage, "min") + ".." + number(stage, "max");
    const std::string verdict = stage.value("verdict", "");
    out += (verdict.empty() ? "" : ", " + verdict) + ")";
  }
  return out;
}

// "a 2, b 1": instances by host; "" where there is one.
std::string hosts_of(const json& summary) {
  std::string out;
  const json hosts = summary.value("hosts", json::object());
  for (const auto& [host, count] : hosts.items()) out += (out.empty() ? "" : ", ") + host + " " + count.dump();
  return out;
}

int run_ps(const VerbValues& values) {
  const std::vector<json> jobs = summaries(values.flag("all"));
  const bool far = std::ranges::any_of(jobs, [](const json& job) { return job.contains("hosts"); });
  std::vector<std::string> headers = {"JOB", "ID", "STATE", ">INSTANCES", ">ATTEMPT", ">CHECKPOINT", ">AGE"};
  if (far) headers.emplace_back("HOSTS");
  Table table(std::move(headers));
  for (const json& job : jobs) {
    if (values.flag("json")) std::printf("%s\n", job.dump().c_str());
    std::vector<std::string> cells = {job.value("job", ""),
                                      job.value("id", "").substr(0, 8),
                                      job.value("state", ""),
                                      instances_of(job),
                                      number(job, "attempt"),
                                      number(job, "checkpoint"),
                                      age(job.value("started_us", Microseconds{0}))};
    if (far) cells.push_back(hosts_of(job));
    table.add(std::move(cells));
  }
  if (!values.flag("json")) std::fputs(table.text().c_str(), stdout);
  return kDone;
}

std::string supervisor_of(const json& summary) {
  const json pid = summary.value("supervisor_pid", json());
  return pid.is_null() ? "" : "process " + std::to_string(pid.get<int>());
}

std::string shown(const JobPaths& job, const json& summary) {
  const std::pair<const char*, std::string> lines[] = {
      {"job", job.job},
      {"id", summary.value("id", "")},
      {"state", summary.value("state", "")},
      {"supervisor", supervisor_of(summary)},
      {"run", summary.value("run", "")},
      {"attempt", number(summary, "attempt")},
      {"checkpoint", number(summary, "checkpoint")},
      {"instances", stages_of(summary)},
      {"hosts", hosts_of(summary)},
      {"autoscale", scaling_of(summary)},
      {"bad", unless_zero(summary, "bad_records")},
      {"late", unless_zero(summary, "late_records")},
      {"submitted", local_time(summary.value("submitted_us", Microseconds{0}))},
      {"folder", job.folder},
      {"reason", summary.value("reason", "")},
  };
  std::string out;
  for (const auto& [title, text] : lines) {
    std::string line = title;
    line.append(12 - line.size(), ' ');
    if (!text.empty()) out += line + text + "\n";
  }
  return out;
}

int run_show(const VerbValues& values) {
  const auto job = find_job(values.text("job"));
  if (!job.ok()) return fail("show", job.status());
  const auto summary = job_summary(*job);
  if (!summary.ok()) return fail("show", summary.status());
  std::fputs((values.flag("json") ? summary->dump() + "\n" : shown(*job, *summary)).c_str(), stdout);
  return kDone;
}

int run_events(const VerbValues& values) {
  const auto job = find_job(values.text("job"));
  if (!job.ok()) return fail("events", job.status());
  const auto events = list_of_job(*job, "events");
  if (!events.ok()) return fail("events", events.status());
  for (const json& e : *events) {
    if (values.flag("json"))
      std::printf("%s\n", e.dump().c_str());
    else
      std::printf("%s  %-20s %s\n", local_time(e["at_us"].get<Microseconds>()).c_str(),
                  e["kind"].get<std::string>().c_str(), e["text"].get<std::string>().c_str());
  }
  return kDone;
}

constexpr VerbOption kPsOptions[] = {
    {.name = "all", .letter = 'a', .doc = "Also jobs that do not run.", .kind = ValueKind::kFlag},
    json_option("Print JSON, a line a job. supervisor_pid is the process that runs it, null if none does."),
};
constexpr VerbExample kPsExamples[] = {
    {"stream ps", "Lists the jobs that run."},
    {"stream ps --all --json | jq -r 'select(.state == \"FAILED\").job'", "Names the jobs that have failed."},
};

constexpr VerbOption kShowOptions[] = {job_argument(ValueKind::kJob),
                                       json_option("Print JSON; supervisor_pid is null if nobody runs it.")};
constexpr VerbExample kShowExamples[] = {
    {"stream show web-errors", "Prints its state, and why it ended if it has."},
};

constexpr VerbOption kEventsOptions[] = {job_argument(ValueKind::kJob), json_option("Print JSON, a line an event.")};
constexpr VerbExample kEventsExamples[] = {
    {"stream events web-errors", "Prints every start, failure, restart and savepoint with its time."},
};

}  // namespace

const VerbTable kPsVerb = {
    .description =
        "Lists jobs, a line each: name, the beginning of the id, state, number of processes of stages, number of "
        "the attempt, newest checkpoint, and time since it was started. States are STARTING, RUNNING, RESTARTING, "
        "RESCALING, STOPPING; of jobs that do not run "
        "STOPPED, "
        "FINISHED, CANCELLED, FAILED, and DEAD, whose supervisor was killed: 'stream run' goes on with it.",
    .options = kPsOptions,
    .examples = kPsExamples,
    .run = run_ps,
};

const VerbTable kShowVerb = {
    .description =
        "Prints what is known of a job, running or not: id, state, the process of its supervisor if it runs, the id of "
        "its run, attempt, newest checkpoint, the number of processes of each stage, folder, and the reason why it "
        "ended; while it runs also how many records "
        "could not be processed, or came too late for their window, since its newest start.",
    .options = kShowOptions,
    .examples = kShowExamples,
    .no = "The job has never run.",
    .run = run_show,
};

const VerbTable kEventsVerb = {
    .description =
        "Prints the newest 1,000 events of a job, oldest first, running or not: when it was started and from what, "
        "when "
        "it ran, failed and restarted, which checkpoints were aborted or found damaged, which savepoints were made.",
    .options = kEventsOptions,
    .examples = kEventsExamples,
    .run = run_events,
};

}  // namespace stream
