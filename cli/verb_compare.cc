#include <algorithm>
#include <array>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/commanded.h"
#include "cli/compare_files.h"
#include "cli/compare_jobs.h"
#include "cli/compare_report.h"
#include "cli/compare_runs.h"
#include "cli/compare_states.h"
#include "cli/savepoint_refs.h"
#include "cli/temporary_folder.h"
#include "cli/verb.h"
#include "cli/verb_values.h"
#include "supervisor/job_paths.h"
#include "transport/base/files.h"
#include "transport/base/text.h"

namespace stream {
namespace {

constexpr std::size_t kManifestMax = 4U << 20;

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

// Rows of JSON end in .json too.
bool is_json_manifest(const std::string& path) {
  const std::string* sent = commanded() == nullptr ? nullptr : commanded()->file(path);
  const auto text = sent == nullptr ? system_files().read_at(path, 0, kManifestMax) : Result<std::string>(*sent);
  const auto parsed = text.ok() ? nlohmann::json::parse(*text, nullptr, false) : nlohmann::json();
  return parsed.is_object() && parsed.contains("stages");
}

bool is_pipeline(const std::string& text) {
  if (text.ends_with(".yaml") || text.ends_with(".yml")) return true;
  if (text.ends_with(".json")) return is_json_manifest(text);
  return text.find_first_of(" |") != std::string::npos && !std::filesystem::exists(text);
}

bool is_job(const std::string& text) {
  const std::vector<std::string> jobs = list_jobs();
  return std::ranges::find(jobs, text) != jobs.end();
}

Result<Sort> sort_of(const std::string& text) {
  if (is_pipeline(text)) return Sort::kPipeline;
  if (is_job(text)) return Sort::kJob;
  if (is_result(text)) return Sort::kResult;
  std::error_code error;
  if (text.find('@') != std::string::npos || std::filesystem::exists(text, error)) return Sort::kState;
  return usage_error("there is no file, job or savepoint '" + text + "'" + did_you_mean(text, list_jobs()));
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

// What means nothing to what is compared is not passed over.
Status check_options(const VerbValues& values, Sort sort) {
  constexpr std::array kOfPipelines = {
      "from",  "parameter", "parameter-a",         "parameter-b",    "set",
      "set-a", "set-b",     "one-after-the-other", "accept-drained", "allow-non-restored-state"};
  const auto refuse = [&](const char* name, const char* why) {
    return usage_error(std::string("--") + name + " is for " + why + ", and A is " + said(sort));
  };
  for (const char* name : kOfPipelines) {
    if (values.has(name) && sort != Sort::kPipeline) return refuse(name, "pipelines to run");
  }
  for (const char* name : {"for", "state"}) {
    if (values.has(name) && sort != Sort::kPipeline && sort != Sort::kJob) return refuse(name, "pipelines and jobs");
  }
  if (values.has("table") && sort == Sort::kPipeline && !values.flag("state"))
    return refuse("table", "databases and state");
  if (values.has("stage") && sort == Sort::kResult) return refuse("stage", "what has stages");
  return {};
}

Status compare(const VerbValues& values, const CompareSettings& settings, CompareReport& report, bool& told) {
  const std::array<std::string, 2> what = {values.text("a"), values.text("b")};
  std::array<Sort, 2> sorts{};
  for (std::size_t i = 0; i < 2; ++i) { STREAM_ASSIGN(sorts[i], sort_of(what[i])); }
  STREAM_TRY(check_options(values, sorts[0]));
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
    {.name = "b",
     .arg = "B",
     .doc = "Another of the same sort.",
     .kind = ValueKind::kReference,
     .positional = true,
     .required = true},
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
    {.name = "parameter",
     .letter = 'p',
     .arg = "NAME=VALUE",
     .doc = "Set a parameter of both manifests.",
     .repeated = true},
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
    {"stream compare web.yaml web.yaml --set stages.requests.follow=false --set-b 'stages.errors.where=status >= 400'",
     "What if more were an error? Runs a manifest twice, over all the input there is, and shows what would change."},
    {"stream compare web-errors.yaml web.yaml --from web-errors@before-upgrade --for 5s",
     "Runs two versions of a job from one savepoint for some seconds, beside the job itself."},
    {"stream compare web-errors heartbeat --for 2s",
     "Watches two jobs that run, and compares what sinks of the same name have written."},
    {"stream compare yesterday.db today.csv --table totals --key host --ignore updated --tolerance 1e-9",
     "Compares two results by their key."},
    {"stream compare counts@3 counts@latest", "Compares the state of two savepoints."},
    {"stream compare --json yesterday.db today.db | jq -r 'select(.difference == \"only-in-a\") | .key.host'",
     "Lists the keys that are gone."},
};

}  // namespace

const VerbTable kCompareVerb = {
    .description =
        "Compares two of a sort, row by row, and prints a line for every row that differs: '-' is only in A, '+' only "
        "in "
        "B, '~' is in both by its key and has other values, '!' is a column, table or sink that only one of them has; "
        "'#' is no difference, but worth knowing. What is compared follows from what A and B are.\n\n"
        "Two pipelines are run, at the same time and over the same input, from the beginning or --from a savepoint, "
        "until their inputs end, --for has passed or Ctrl-C comes; the report follows. A second Ctrl-C ends it without "
        "one. Their jobs live in a folder below $TMPDIR that is gone afterwards, even if the comparison is killed. "
        "Sinks are not started: what each would get is caught in a file, so nothing that a job has written is touched. "
        "Sources do read, and stages such as `exec` and `lookup` do what they do. Of a stream of changes the rows are "
        "compared that remain; those that were there at the savepoint count as far as either run changes them. With "
        "--set-b one manifest is compared with a variation of itself.\n\n"
        "Two jobs are watched until both are over, or --for or Ctrl-C, and then compared by what sinks of the same "
        "name "
        "have written to files and SQLite databases. Nothing is done to them.\n\n"
        "Two results are files of NDJSON or CSV, folders of such files, or SQLite databases, whose tables are compared "
        "by name. Different kinds of files can be compared: then texts that are numbers are numbers, true is 1, and an "
        "empty text is NULL. Otherwise a text and a number differ; 1 and 1.0 never do.\n\n"
        "Two snapshots of state are savepoints or checkpoints as `stream state diff` takes them, compared by the keys "
        "of "
        "their tables.\n\n"
        "Rows are matched by --key, or the key of the sink or table. Without any, results are compared as multisets: "
        "their order never matters, how often a row is there does. Results may be larger than memory: what both have "
        "cancels out as it is read, what does not is sorted in an SQLite file below $TMPDIR.\n\n"
        "Of runs and jobs that run a table follows that shows their performance side by side. Rows from sources are "
        "counted behind filters that sources apply themselves. CPU time is that of all processes of stages; latency is "
        "how long the barrier of a checkpoint is on its way to the last sink, as the rows before it are. Two runs at "
        "once "
        "share the machine, and short ones are mostly start-up: --one-after-the-other, and much input, tell more.",
    .options = kOptions,
    .examples = kExamples,
    .no = "They differ, or one of them has failed or is damaged.",
    .run = run,
};

}  // namespace stream
