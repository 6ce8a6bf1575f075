#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/command.h"
#include "cli/fit_report.h"
#include "cli/manifest_test.h"
#include "cli/pipeline_argument.h"
#include "cli/savepoint_refs.h"
#include "cli/verb.h"
#include "cli/verb_values.h"
#include "snapshot/archive/open_savepoint.h"
#include "snapshot/savepoint.h"
#include "supervisor/job_client.h"
#include "supervisor/state_trial.h"

namespace stream {
namespace {

void print(const JobPlan& plan) {
  const SocketNeed need = sockets_of(plan);
  std::size_t processes = 0;
  for (const PlannedStage& stage : plan.stages) processes += stage.parallelism;
  for (const std::string& warning : plan.warnings)
    std::fprintf(stderr, "%s: warning: %s\n", plan.pipeline.name.c_str(), warning.c_str());
  std::printf("%s: ok: %zu stages, %zu processes, %zu sockets, at most %zu in one process\n",
              plan.pipeline.name.c_str(), plan.stages.size(), processes, need.total, need.largest);
}

nlohmann::ordered_json to_json(const JobPlan& plan) {
  const SocketNeed need = sockets_of(plan);
  return {{"pipeline", plan.pipeline.name}, {"ok", true},
          {"stages", plan.stages.size()},   {"sockets", need.total},
          {"sockets-max", need.largest},    {"warnings", plan.warnings}};
}

nlohmann::ordered_json to_json(const Problems& problems) {
  nlohmann::ordered_json out = {{"ok", false}};
  for (const Problem& problem : problems.sorted()) {
    out["problems"].push_back({{"file", problem.at.file},
                               {"line", problem.at.line},
                               {"column", problem.at.column},
                               {"message", problem.message}});
  }
  return out;
}

int print_problems(const PipelineArgument& pipeline, const Status& status, bool as_json) {
  if (pipeline.problems().empty()) return fail("check", status);
  if (as_json)
    std::printf("%s\n", to_json(pipeline.problems()).dump().c_str());
  else
    pipeline.fail("check", status);
  return kNo;
}

// The state a pipeline is checked against: of a savepoint, or of the newest checkpoint of a job.
struct Kept {
  std::string name;
  CheckpointIndex index;
  std::string folder;  // what its paths start from
  std::shared_ptr<const ScratchFolder> unpacked;
  JobPlan plan;
  bool settled = true;  // nothing is pending in sinks
};

// A job stopped with a savepoint goes on from that, if its last checkpoint does not fit.
bool has_savepoint(const std::string& job, Epoch epoch) {
  const auto newest = resolve_savepoint(job + "@latest");
  if (!newest.ok()) return false;
  const auto index = savepoint_index(*newest, unpacked_root());
  return index.ok() && index->epoch == epoch;
}

Result<Kept> load_kept(const std::string& reference) {
  const std::vector<std::string> jobs = list_jobs();
  Kept kept;
  kept.name = reference;
  if (std::ranges::find(jobs, reference) != jobs.end()) {
    kept.folder = job_paths(reference).checkpoints();
    STREAM_ASSIGN(const auto epochs, list_checkpoints(system_files(), kept.folder));
    if (epochs.empty()) return failed("job '" + reference + "' has no checkpoint to check against");
    STREAM_ASSIGN(kept.index, load_index(index_path(kept.folder, epochs.back())));
    kept.name = "checkpoint " + std::to_string(kept.index.epoch.value()) + " of " + reference;
    kept.settled = has_savepoint(reference, kept.index.epoch);
  } else {
    STREAM_ASSIGN(const std::string path, resolve_savepoint(reference));
    STREAM_ASSIGN(const OpenSavepoint savepoint, OpenSavepoint::open(path, unpacked_root()));
    kept.index = savepoint.index();
    kept.folder = savepoint.folder();
    kept.unpacked = savepoint.hold();
    STREAM_TRY(verify_files(kept.index, kept.folder));
    kept.name = "savepoint " + path;
  }
  STREAM_ASSIGN(kept.plan, plan_from_json(kept.index.plan));
  return kept;
}

StateFit fit_of(const Kept& kept, const JobPlan& plan) {
  StateFit fit = fit_state(kept.plan, plan, kept.settled);
  if (!fit.fits(false)) return fit;
  const Status tried = try_conversions(kept.index, kept.folder, plan, fit);
  if (tried.ok()) return fit;
  fit.misfits.push_back(tried.what());
  fit.problems.push_back(tried.what());
  return fit;
}

// Says whether the plan fits what was kept, and what becomes of each table.
bool print_fit(const JobPlan& plan, const Kept& kept, nlohmann::ordered_json* json) {
  const StateFit fit = fit_of(kept, plan);
  if (json != nullptr) {
    *json = {{"name", kept.name}};
    json->update(fit_json(fit));
  } else {
    const std::string word = fit.fits(false) ? ": fits " : ": does not fit ";
    std::printf("%s\n%s", (plan.pipeline.name + word + kept.name).c_str(), fit_text(fit).c_str());
  }
  return fit.fits(false);
}

// The tests of a manifest, planned like everything else.
Status check_tests(PipelineArgument& argument, const PipelineSpec& pipeline) {
  for (const PipelineTest& test : pipeline.tests) {
    STREAM_ASSIGN(const auto folder, TestFolder::make());
    plan_test(pipeline, test, folder->path(), argument.catalogue(), argument.problems());
  }
  return argument.problems().status();
}

int run(const VerbValues& values) {
  PipelineArgument pipeline(values);
  const bool as_json = values.flag("json");
  std::optional<Kept> kept;
  if (values.has("against")) {
    auto loaded = load_kept(values.text("against"));
    if (!loaded.ok()) return fail("check", loaded.status());
    kept = *std::move(loaded);
    pipeline.input().look_up([&] { return kept->index.plan; });
  }
  const auto plans = pipeline.plan();
  if (!plans.ok()) return print_problems(pipeline, plans.status(), as_json);
  for (const JobPlan& plan : *plans) {
    const Status tests = check_tests(pipeline, plan.pipeline);
    if (!tests.ok()) return print_problems(pipeline, tests, as_json);
  }
  bool fits = true;
  for (const JobPlan& plan : *plans) {
    nlohmann::ordered_json json = to_json(plan);
    if (!as_json) print(plan);
    if (kept) fits &= print_fit(plan, *kept, as_json ? &json["against"] : nullptr);
    if (as_json) std::printf("%s\n", json.dump().c_str());
  }
  return fits ? kDone : kNo;
}

constexpr auto kOptions = with_pipeline({
    json_option("Print JSON, a line a pipeline."),
    VerbOption{.name = "against",
               .arg = "REF|JOB",
               .doc = "Whether the state of a savepoint (a path, JOB@N, JOB@LABEL, JOB@latest), or of the newest "
                      "checkpoint of a job, can be gone on from.",
               .kind = ValueKind::kReference},
});

constexpr VerbExample kExamples[] = {
    {"stream check manifests/web-errors.yaml", "Says 'ok' and what it would take, or what is wrong and where."},
    {"stream check web-errors.yaml --against web-errors@latest",
     "Says whether a changed manifest can go on from the newest savepoint."},
    {"stream check web-errors.yaml --against web-errors@latest --json | jq -r '.against.tables[] | .table + \" \" + "
     ".verdict'",
     "Lists what becomes of each state table."},
    {"stream check --json web.yaml | jq '.problems[]?.message'", "The same for an editor."},
};

}  // namespace

const VerbTable kCheckVerb = {
    .description =
        "Reads the pipeline, asks every stage program for its plan, and reports everything that is wrong, a line each: "
        "file, line, column, and the nearest name that would be right. Files that a source samples and files that a "
        "sink would write are looked at; nothing is written and no stage runs.\n\n"
        "With --against, what a job has kept is compared with what the pipeline would take it for, and each state "
        "table "
        "is listed: 'kept' as it is, 'renamed' or 'converted' as the evolve block of the manifest or its own meaning "
        "says, 'new' and empty, 'dropped' on purpose, or 'incompatible', with the reason and what can be done. "
        "Conversions that may fail for some row are tried with the rows that are kept. 'stream run' refuses to go on "
        "where this says so, and restores as it is said here. What an evolve block can say: "
        "stream-manifest(5).\n\n"
        "The tests of a manifest are planned as well, and run by 'stream test'.\n\nPrinted are the numbers of stages, "
        "processes and sockets a run would take; warnings go to standard error.",
    .options = kOptions,
    .examples = kExamples,
    .no = "Something is wrong with the pipeline, or it does not fit the state it was checked against.",
    .run = run,
};

}  // namespace stream
