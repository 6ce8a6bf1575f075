// Our own: a manifest is sent, and becomes a job.
#include "supervisor/http/begun.h"
#include "supervisor/http/facts.h"
#include "supervisor/http/handlers.h"
#include "supervisor/http/manifest_text.h"
#include "supervisor/http/savepoints.h"
#include "transport/base/text.h"

namespace stream::http {
namespace {

// Every line of what is wrong, by itself.
Json lines_of(const Status& status) {
  Json lines = Json::array();
  for (const std::string& line : split(status.what(), '\n')) {
    if (!line.empty()) lines.push_back(line);
  }
  return lines;
}

// Of the query: "p.day=monday" gives the parameter 'day' of the manifest.
Submission submission_of(const Call& call) {
  constexpr std::string_view kParameter = "p.";
  Submission submission{.text = call.request.body, .name = call.value("name")};
  for (const auto& [name, value] : call.query) {
    if (name.starts_with(kParameter)) submission.parameters[name.substr(kParameter.size())] = value;
  }
  return submission;
}

Answer wrong(const Status& status) { return answer_with({{"errors", lines_of(status)}}, refuse(status).status); }

}  // namespace

Answer get_job_manifest(Call& call) {
  STREAM_HTTP_ASSIGN(const SharedPlan plan, call.jobs.plan(call.job.name));
  return {.text = manifest_text(plan->pipeline), .type = "text/plain; charset=UTF-8"};
}

Answer post_pipeline(Call& call) {
  const Microseconds began = system_clock().wall_us();
  Submission submission = submission_of(call);
  if (const std::string from = call.value("savepointPath"); !from.empty()) {
    STREAM_HTTP_ASSIGN(submission.from, resolve_savepoint(call.jobs, from));
    submission.drop_state = call.value("allowNonRestoredState") == "true";
  }
  const auto names = call.changes.submit(submission);
  const AskedBy by{call.request.who, call.request.remote, names.ok() ? join(*names, ",") : call.value("name")};
  call.operations.note("submit", by, began,
                       names.ok() ? Json::object() : Json{{"failure-cause", throwable(names.status().what())}});
  if (!names.ok()) return wrong(names.status());
  Json jobs = Json::array();
  for (const std::string& name : *names) {
    STREAM_HTTP_ASSIGN(const SharedJson summary, call.jobs.summary(name));
    jobs.push_back({{"jid", summary->value("id", "")}, {"name", name}});
  }
  return answer_with({{"jobs", std::move(jobs)}});
}

Answer post_validation(Call& call) {
  const Status valid = call.changes.validate(submission_of(call));
  if (!valid.ok() && valid.code() != Code::kUsage) return refuse(valid);
  return answer_with({{"valid", valid.ok()}, {"problems", lines_of(valid)}});
}

// What is wrong with the manifest is said at once; whether the job is what it says by then, later.
Answer post_upgrade(Call& call) {
  if (auto refusal = check_running(call, "an upgrade")) return *refusal;
  Submission submission = submission_of(call);
  submission.name = call.job.name;
  if (const Status fits = call.changes.check_upgrade(call.job.name, submission); !fits.ok()) return wrong(fits);
  const UpgradeOptions options{.trial = call.value("trial"),
                               .timeout = call.value("timeout"),
                               .label = call.value("label"),
                               .drop_state = call.value("allowNonRestoredState") == "true"};
  return begun(call, "upgrade " + call.job.id,
               [&changes = call.changes, job = call.job.name, submission = std::move(submission), options]() -> Json {
                 const auto answer = changes.upgrade(job, submission, options);
                 if (!answer.ok()) return {{"failure-cause", throwable(answer.status().what())}};
                 Json told = {{"location", text_of(*answer, "path")}, {"checkpointId", number_of(*answer, "epoch")}};
                 if (!answer->value("upgraded", false)) told["failure-cause"] = throwable(text_of(*answer, "reason"));
                 return told;
               });
}

Answer get_upgrade_outcome(Call& call) { return outcome_of(call, {"upgrade " + call.job.id}); }

}  // namespace stream::http
