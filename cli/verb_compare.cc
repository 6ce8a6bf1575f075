#include <algorithm>
#include <array>
#include <filesystem>

#include "cli/command.h"
#include "cli/compare_files.h"
#include "cli/compare_jobs.h"
#include "cli/compare_report.h"
#include "cli/compare_runs.h"
#include "cli/compare_states.h"
#include "cli/savepoint_refs.h"
#include "cli/scratch_folder.h"
#include "cli/verb.h"
#include "cli/verb_values.h"
#include "supervisor/job_paths.h"

namespace stream {
namespace {

// What is compared, by what its two names mean.
enum class Sort : std::uint8_t { kPipeline, kJob, kResult, kState };

const char* said(Sort sort) {
  switch (sort) {
    case Sort::kPipeline: return "a pipeline to run";
    case Sort::kJob: return "a job";
    case Sort::kResult: return "a result";
    case Sort::kState: return "a snapshot of state";
  }
  return "";
}

bool is_pipeline(const std::string& text) {
  const auto ends = [&](std::string_view ending) { return text.ends_with(ending); };
  if (ends(".yaml") || ends(".yml")) return true;
  return text.find_first_of(" |") != std::string::npos && !std::filesystem::exists(text);
}

bool is_job(const std::string& text) {
  const std::vector<std::string> jobs = list_jobs();
  return std::ranges::find(jobs, text) != jobs.end();
}

Sort sort_of(const std::string& text) {
  if (is_pipeline(text)) return Sort::kPipeline;
  if (is_job(text)) return Sort::kJob;
  return is_result(text) ? Sort::kResult : Sort::kState;
}

Status compare_results(const std::array<std::string, 2>& paths, const CompareSettings& settings,
                       CompareReport& report) {
  STREAM_ASSIGN(std::vector<ResultPair> pairs, pairs_of(paths, settings, report));
  for (ResultPair& pair : pairs) STREAM_TRY(compare_pair(std::move(pair), temporary_folder(), report));
  return {};
}

Status compare_snapshots(const std::array<std::string, 2>& references, const CompareSettings& settings,
                         CompareReport& report) {
  STREAM_ASSIGN(const auto a, open_snapshot(references[0]));
  STREAM_ASSIGN(const auto b, open_snapshot(references[1]));
  return compare_states(*a, *b, settings, report);
}

Status compare(const VerbValues& values, const CompareSettings& settings, CompareReport& report, bool& told) {
  const std::array<std::string, 2> what = {values.text("a"), values.text("b")};
  const std::array<Sort, 2> sorts = {sort_of(what[0]), sort_of(what[1])};
  if (sorts[0] == Sort::kPipeline && sorts[1] == Sort::kPipeline) return compare_runs(values, settings, report, told);
  if (sorts[0] == Sort::kJob && sorts[1] == Sort::kJob) return compare_jobs(what, values, settings, report);
  if (sorts[0] == Sort::kResult && sorts[1] == Sort::kResult) return compare_results(what, settings, report);
  // A job stands for its newest checkpoint beside a snapshot.
  const auto has_state = [](Sort sort) { return sort == Sort::kState || sort == Sort::kJob; };
  if (has_state(sorts[0]) && has_state(sorts[1])) return compare_snapshots(what, settings, report);
  return usage_error("'" + what[0] + "' is " + said(sorts[0]) + " and '" + what[1] + "' is " + said(sorts[1]) +
                     "; give two of a sort");
}

int run(const VerbValues& values) {
  const auto settings = compare_settings(values);
  if (!settings.ok()) return fail("compare", settings.status());
  CompareReport report(*settings);
  bool told = false;
  Status done = compare(values, *settings, report, told);
  if (done.ok()) done = report.finish();
  if (told) return kUsageExit;
  if (!done.ok()) return fail("compare", done);
  return report.equal() ? kDone : kNo;
}

constexpr VerbOption kOptions[] = {
    {.name = "a",
     .arg = "A",
     .doc = "A manifest or pipeline to run, a job, a result in files, or a snapshot of state.",
     .kind = ValueKind::kReference,
     .positional = true,
     .required = true},
    {.name = "b", .arg = "B", .doc = "Another of the same sort.", .kind = ValueKind::kReference, .positional = true, .required = true},
    {.name = "key",
     .arg = "COLUMNS",
     .doc = "Columns that identify a row; default: the key of the sink or table, else rows are compared as a whole.",
     .repeated = true},
    {.name = "ignore", .arg = "COLUMNS", .doc = "Columns that may differ.", .repeated = true},
    {.name = "tolerance", .arg = "NUMBER", .doc = "How far two numbers may be apart. [0]"},
    {.name = "table", .arg = "TABLE", .doc = "Compare this table only, of databases or of state."},
    {.name = "stage", .arg = "STAGE", .doc = "Compare this stage only: what a sink gets, or its state."},
    {.name = "limit",
     .arg = "N",
     .doc = "Print at most so many differences of each result; default: 20, and all with --json. All are counted.",
     .kind = ValueKind::kInteger,
     .least = 0},
    {.name = "from",
     .arg = "REF",
     .doc = "Of pipelines: both start from this savepoint: a path, JOB@N, JOB@LABEL or JOB@latest.",
     .kind = ValueKind::kReference},
    {.name = "for",
     .arg = "DURATION",
     .doc = "Stop both after this long and report; default: when their inputs have ended.",
     .kind = ValueKind::kDuration},
    {.name = "parameter", .letter = 'p', .arg = "NAME=VALUE", .doc = "Set a parameter of both manifests.", .repeated = true},
    {.name = "parameter-a", .arg = "NAME=VALUE", .doc = "Set a parameter of A.", .repeated = true},
    {.name = "parameter-b", .arg = "NAME=VALUE", .doc = "Set a parameter of B.", .repeated = true},
    {.name = "set",
     .arg = "PATH=VALUE",
     .doc = "Set anything in both manifests, such as stages.requests.follow=false.",
     .repeated = true},
    {.name = "set-a", .arg = "PATH=VALUE", .doc = "Set anything in A.", .repeated = true},
    {.name = "set-b", .arg = "PATH=VALUE", .doc = "Set anything in B.", .repeated = true},
    {.name = "one-after-the-other",
     .doc = "Run A to its end, then B, so that each has the machine for itself.",
     .kind = ValueKind::kFlag},
    {.name = "state",
     .doc = "Of pipelines and jobs: compare the state of their newest checkpoints too.",
     .kind = ValueKind::kFlag},
    {.name = "accept-drained", .doc = "Start from a savepoint whose windows have fired.", .kind = ValueKind::kFlag},
    {.name = "allow-non-restored-state",
     .doc = "Start although the state of stages that are gone is dropped.",
     .kind = ValueKind::kFlag},
    json_option("Print JSON, a line a difference, and the whole in a last line."),
};

constexpr VerbExample kExamples[] = {
    {"stream compare yesterday.db today.db", "Compares the tables of two databases by their keys."},
};

}  // namespace

const VerbTable kCompareVerb = {
    .description = "Compares two of a sort and prints what differs, row by row.",
    .options = kOptions,
    .examples = kExamples,
    .no = "They differ, or one of them is damaged.",
    .run = run,
};

}  // namespace stream
