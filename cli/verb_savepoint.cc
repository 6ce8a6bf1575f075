// The verbs that cut the stream: savepoint, checkpoint; and wait.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/job_client.h"
#include "cli/table.h"
#include "cli/verb.h"
#include "supervisor/savepoint_refs.h"
#include "transport/base/text.h"

namespace stream {
namespace {

using nlohmann::json;

Result<json> savepoints_of(const JobPaths& job) {
  auto answer = ask_job(job, {{"verb", "savepoints"}}, kQuickAnswer);
  if (answer.ok()) return (*answer)["savepoints"];
  if (answer.status().code() != Code::kPeerGone) return std::move(answer).status();
  std::optional<JobLock> lock;
  STREAM_ASSIGN(const auto store, open_store(job, &lock));
  STREAM_ASSIGN(const auto records, store->savepoints());
  json list = json::array();
  for (const SavepointRecord& r : records) {
    list.push_back({{"epoch", r.epoch},
                    {"path", r.path},
                    {"label", r.label},
                    {"created_us", r.created_us},
                    {"drained", r.drained}});
  }
  return list;
}

int list_savepoints(const std::string& name, bool as_json) {
  const auto job = find_job(name);
  if (!job.ok()) return fail("savepoint", job.status());
  const auto list = savepoints_of(*job);
  if (!list.ok()) return fail("savepoint", list.status());
  Table table({">EPOCH", "CREATED", "LABEL", "PATH"});
  for (const json& s : *list) {
    if (as_json) std::printf("%s\n", s.dump().c_str());
    table.add({std::to_string(s["epoch"].get<std::uint64_t>()), local_time(s["created_us"].get<Microseconds>()),
               s["label"].get<std::string>(), s["path"].get<std::string>()});
  }
  if (!as_json) std::fputs(table.text().c_str(), stdout);
  return kDone;
}

int delete_savepoint(const std::string& reference) {
  const auto path = resolve_savepoint(reference);
  if (!path.ok()) return fail("savepoint", path.status());
  std::error_code error;
  std::filesystem::remove_all(*path, error);
  if (error) return fail("savepoint", system_error("remove", *path, error.value()));
  for (const std::string& name : list_jobs()) {
    const JobPaths job = job_paths(name);
    if (!path->starts_with(job.folder + "/")) continue;
    if (JobLock::runs(job)) {
      const auto answer = ask_job(job, {{"verb", "forget-savepoint"}, {"path", *path}}, kQuickAnswer);
      if (!answer.ok()) return fail("savepoint", answer.status());
      continue;
    }
    std::optional<JobLock> lock;
    const auto store = open_store(job, &lock);
    if (!store.ok()) return fail("savepoint", store.status());
    if (const Status forgotten = (*store)->forget_savepoint(*path); !forgotten.ok())
      return fail("savepoint", forgotten);
  }
  return kDone;
}

}  // namespace

int verb_savepoint(std::span<const std::string> args) {
  std::string name;
  std::string to;
  std::string label;
  std::string doomed;
  bool single_file = false;
  bool list = false;
  bool as_json = false;
  const auto declare = [&](CLI::App& app) {
    app.add_option("JOB", name, "name or unique id prefix of the job");
    app.add_option("--to", to, "folder, or file with --single-file, to make")->type_name("PATH");
    app.add_option("--label", label, "a name to find it by: JOB@LABEL")->type_name("TEXT");
    app.add_flag("--single-file", single_file, "one SQLite file instead of a folder");
    app.add_flag("--list", list, "list the savepoints of the job");
    app.add_option("--delete", doomed, "delete a savepoint: a path, JOB@N, JOB@LABEL or JOB@latest")->type_name("REF");
    app.add_flag("--json", as_json, "print JSON");
  };
  return run_verb("savepoint", args, declare, [&] {
    if (!doomed.empty()) return delete_savepoint(doomed);
    if (list) return list_savepoints(name, as_json);
    const auto job = find_job(name);
    if (!job.ok()) return fail("savepoint", job.status());
    json request = {{"verb", "savepoint"}, {"label", label}, {"single_file", single_file}};
    if (!to.empty()) request["to"] = std::filesystem::absolute(to).lexically_normal().string();
    const auto answer = ask_job(*job, request, kNoLimit);
    if (!answer.ok()) return fail("savepoint", answer.status());
    if (as_json)
      std::printf("%s\n", json{{"path", (*answer)["path"]}, {"epoch", (*answer)["epoch"]}}.dump().c_str());
    else
      std::printf("%s\n", answer->value("path", "").c_str());
    return kDone;
  });
}

int verb_checkpoint(std::span<const std::string> args) {
  std::string name;
  bool as_json = false;
  bool list = false;
  const auto declare = [&](CLI::App& app) {
    app.add_option("JOB", name, "name or unique id prefix of the job");
    app.add_flag("--list", list, "list the newest checkpoints instead of taking one, as JSON lines");
    app.add_flag("--json", as_json, "print JSON");
  };
  return run_verb("checkpoint", args, declare, [&] {
    const auto job = find_job(name);
    if (!job.ok()) return fail("checkpoint", job.status());
    const auto answer = ask_job(*job, {{"verb", list ? "checkpoints" : "checkpoint"}}, kNoLimit);
    if (!answer.ok()) return fail("checkpoint", answer.status());
    if (list) {
      for (const json& entry : (*answer)["checkpoints"]) std::printf("%s\n", entry.dump().c_str());
    } else if (as_json) {
      std::printf("%s\n", json{{"epoch", (*answer)["epoch"]}}.dump().c_str());
    } else {
      std::printf("%llu\n", static_cast<unsigned long long>((*answer)["epoch"].get<std::uint64_t>()));
    }
    return kDone;
  });
}

int verb_wait(std::span<const std::string> args) {
  std::string name;
  std::string what = "finished";
  std::string timeout;
  const auto declare = [&](CLI::App& app) {
    app.add_option("JOB", name, "name or unique id prefix of the job");
    app.add_option("--for", what, "running, checkpoint or finished")
        ->check(CLI::IsMember({"running", "checkpoint", "finished"}));
    app.add_option("--timeout", timeout, "give up after this long; not set: never")->type_name("DURATION");
  };
  return run_verb("wait", args, declare, [&] {
    const auto limit = timeout.empty() ? Result<Microseconds>(kNoLimit) : parse_duration(timeout);
    if (!limit.ok()) return fail("wait", limit.status());
    const auto job = find_job(name);
    if (!job.ok()) return fail("wait", job.status());
    const auto answer = ask_job(*job, {{"verb", "wait"}, {"for", what}}, *limit);
    if (answer.ok() && what != "finished") return kDone;
    if (answer.ok()) return answer->value("state", "") == "FINISHED" ? kDone : kNo;
    if (answer.status().code() == Code::kInterrupted) {
      const std::string verb = what == "running"      ? "is not running"
                               : what == "checkpoint" ? "has no new checkpoint"
                                                      : "has not finished";
      return fail("wait", failed("job '" + job->job + "' " + verb + " after " + timeout));
    }
    if (answer.status().code() != Code::kPeerGone) return fail("wait", answer.status());
    const auto summary = stored_summary(*job);
    if (!summary.ok()) return fail("wait", summary.status());
    const std::string state = summary->value("state", "");
    if (what == "finished" && state == "FINISHED") return kDone;
    return fail("wait", failed("job '" + job->job + "' is " + state + ": " + summary->value("reason", "")));
  });
}

}  // namespace stream
