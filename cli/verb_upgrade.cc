#include <array>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/pipeline_argument.h"
#include "cli/run_options.h"
#include "cli/savepoint_refs.h"
#include "cli/savepoint_target.h"
#include "cli/verb.h"
#include "cli/verb_values.h"
#include "supervisor/job_client.h"
#include "supervisor/state_fit.h"

namespace stream {
namespace {

using nlohmann::json;

Result<json> plan_of(const JobPaths& job) {
  auto answer = ask_job(job, {{"verb", "plan"}}, kQuickAnswer);
  if (answer.ok() || answer.status().code() != Code::kPeerGone) return answer;
  return failed(answer.status().what() + "; 'stream run' goes on with it by a changed manifest");
}

// What 'stream check --against' says, before anything stops.
Status check_fit(const JobPaths& job, const JobPlan& wanted, const std::string& kept_json, bool drop_state) {
  STREAM_ASSIGN(const JobPlan kept, plan_from_json(kept_json));
  const StateFit fit = fit_state(kept, wanted, true);
  for (const std::string& note : fit.notes) std::fprintf(stderr, "%s: %s\n", job.job.c_str(), note.c_str());
  if (fit.fits(drop_state)) return {};
  return failed(fit.report("the pipeline does not fit the state of '" + job.job + "', which runs on as it is:"));
}

void say_step(const JobPaths& job, const std::string& text, Microseconds elapsed) {
  std::fprintf(stderr, "%s: %7.3f s  %s\n", job.job.c_str(), static_cast<double>(elapsed) / 1e6, text.c_str());
}

json request_of(const VerbValues& values, const JobPlan& plan) {
  json request = {{"verb", "upgrade"},
                  {"plan", plan_to_json(plan)},
                  {"manifest", pipeline_to_json(plan.pipeline)},
                  {"label", values.text("label")},
                  {"drop_state", values.flag("allow-non-restored-state")},
                  {"timeout_us", values.duration("timeout")}};
  if (values.has("trial")) request["trial_us"] = values.duration("trial");
  if (values.has("to")) request["to"] = std::filesystem::absolute(values.text("to")).lexically_normal().string();
  return request;
}

int print(const JobPaths& job, const json& answer, bool as_json) {
  const bool upgraded = answer.value("upgraded", false);
  const std::string path = answer.value("path", "");
  const std::string reason = answer.value("reason", "");
  if (as_json) {
    std::printf("%s\n", json{{"upgraded", upgraded},
                             {"path", path},
                             {"epoch", answer.value("epoch", std::uint64_t{0})},
                             {"reason", reason},
                             {"elapsed_us", answer.value("elapsed_us", Microseconds{0})}}
                            .dump()
                            .c_str());
  } else if (!path.empty()) {
    std::printf("%s\n", path.c_str());
  }
  if (!upgraded) return fail("upgrade", failed("job '" + job.job + "' stays what it was: " + reason));
  say_step(job, "upgraded" + (reason.empty() ? "" : "; " + reason), answer.value("elapsed_us", Microseconds{0}));
  return kDone;
}

// The supervisor died on the way. Its store says which version is left, as soon as somebody looks.
Status died(const JobPaths& job, const Status& status) {
  if (status.code() != Code::kPeerGone) return status;
  const auto summary = stored_summary(job);
  const std::string state = summary.ok() ? summary->value("state", "") : "";
  return failed("job '" + job.job + "' is " + (state.empty() ? "gone" : state) +
                ": its supervisor ended during the upgrade; see 'stream events " + job.job + "', 'stream resume " +
                job.job + "' goes on with the version that is left");
}

int run(const VerbValues& values) {
  const std::string& label = values.text("label");
  const Status target = values.has("to") ? check_target(values.text("to"), label) : check_label(label);
  if (!target.ok()) return fail("upgrade", target);
  const auto job = find_job(values.text("job"));
  if (!job.ok()) return fail("upgrade", job.status());
  const auto kept = plan_of(*job);
  if (!kept.ok()) return fail("upgrade", kept.status());
  const std::string kept_plan = kept->value("plan", "");
  PipelineArgument pipeline(values);
  pipeline.use_name(job->job);
  pipeline.input().look_up([&] { return kept_plan; });
  const auto plans = pipeline.plan();
  if (!plans.ok()) return pipeline.fail("upgrade", plans.status());
  if (plans->size() != 1) return fail("upgrade", usage_error("the manifest holds several pipelines"));
  const JobPlan& plan = plans->front();
  for (const std::string& warning : plan.warnings)
    std::fprintf(stderr, "%s: warning: %s\n", job->job.c_str(), warning.c_str());
  const Status fits = check_fit(*job, plan, kept_plan, values.flag("allow-non-restored-state"));
  if (!fits.ok()) return fail("upgrade", fits);
  say_step(*job, "checked: the new version can go on from the state of the old one", 0);
  const auto answer = ask_job(*job, request_of(values, plan), kNoLimit, [&](const json& step) {
    say_step(*job, step.value("step", ""), step.value("elapsed_us", Microseconds{0}));
  });
  if (!answer.ok()) return fail("upgrade", died(*job, answer.status()));
  return print(*job, *answer, values.flag("json"));
}

constexpr VerbOption kOptions[] = {
    {.name = "job",
     .arg = "JOB",
     .doc = "Name of the job, or the beginning of its id.",
     .kind = ValueKind::kRunningJob,
     .positional = true,
     .required = true},
    kPipelineOptions[0],
    kPipelineOptions[1],
    kPipelineOptions[2],
    kPipelineOptions[3],
    {.name = "trial",
     .arg = "DURATION",
     .doc = "How long the new version runs before its first checkpoint is taken and anything of it is committed; not "
            "set: its checkpoint interval.",
     .kind = ValueKind::kDuration},
    {.name = "timeout",
     .arg = "DURATION",
     .doc = "Go back if the new version has no checkpoint after so long.",
     .kind = ValueKind::kDuration,
     .fallback = "5m"},
    {.name = "label", .arg = "LABEL", .doc = "Another name for the savepoint: JOB@LABEL."},
    {.name = "to",
     .arg = "PATH",
     .doc = "Where the savepoint goes; not set: the job's savepoints folder.",
     .kind = ValueKind::kPath},
    kAllowNonRestoredState,
    json_option("Print JSON: whether it is upgraded, the savepoint, the reason if it is not."),
};

constexpr VerbExample kExamples[] = {
    {"stream upgrade web-errors web-errors.yaml", "Replaces a running job by what its manifest says now."},
    {"stream upgrade --trial 30s web-errors web-errors.yaml || echo 'it is what it was'",
     "Lets the new version run for half a minute before anything of it counts."},
};

}  // namespace

const VerbTable kUpgradeVerb = {
    .description =
        "Replaces the pipeline of a running job by another version of it, and goes back to the old one by itself if "
        "the "
        "new one fails. First the pipeline is planned and its state compared as 'stream check --against' does: what "
        "does not fit is refused, and nothing stops. Then the job stops with a savepoint, and the new version starts "
        "from it, in the same supervisor: a job in the foreground stays there.\n\n"
        "The new version is on trial until its first checkpoint is complete: nothing of it is committed before. If an "
        "instance fails until then, cannot start, or the checkpoint is not complete within --timeout, the old version "
        "starts again where it stopped: no row is lost and none comes twice. From the first checkpoint on the job is "
        "the "
        "new version, which restarts as ever when something fails.\n\n"
        "Steps are told on standard error, with the seconds since the old version was asked to stop. Printed is the "
        "path "
        "of the savepoint, from which 'stream run OLD.yaml --from' goes back later. Whoever interrupts this command "
        "does "
        "not interrupt the upgrade, which the supervisor carries out; if the supervisor dies, 'stream resume' goes on "
        "with the new version where its first checkpoint was complete, else with the old one, and 'stream events' says "
        "which.",
    .options = kOptions,
    .examples = kExamples,
    .no =
        "The new version does not fit the state, or has failed: the job runs as it was, and the reason is said. Or "
        "the "
        "job does not run.",
    .run = run,
};

}  // namespace stream
