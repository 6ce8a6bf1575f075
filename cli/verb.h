// The verbs of `stream`: one table. Each verb's own table gives its parsing, help, manual page, JSON
// description and completion.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace stream {

class VerbValues;

// What a value is: how it is checked, and what completion offers for it.
enum class ValueKind : std::uint8_t {
  kText,
  kFlag,  // present or absent
  kInteger,
  kDuration,      // 100ms, 1m30s
  kChoice,        // one of `choices`
  kPath,          // any file or folder
  kPipeline,      // a manifest, a pipeline in one argument, or -
  kJob,           // name or unique id prefix of a job
  kRunningJob,    // the same, of one that runs
  kIdleJob,       // the same, of one that does not
  kReference,     // a savepoint: a path, JOB@N, JOB@LABEL or JOB@latest
  kStageOfJob,    // name of a stage of the job
  kStageProgram,  // filter, read-file, …
  kVerb,
};

struct VerbOption {
  std::string_view name;      // given as --name; of a positional what it is called in VerbValues
  char letter = '\0';         // given as -l too
  std::string_view arg = {};  // what stands for the value: "REF"; empty for a flag
  std::string_view doc;       // a sentence or two
  ValueKind kind = ValueKind::kText;
  std::string_view fallback = {};  // value if absent
  std::string_view choices = {};   // "running|checkpoint|finished"
  std::string_view excludes = {};  // the option it cannot stand beside
  std::int64_t least = INT64_MIN;  // of an integer
  std::int64_t most = INT64_MAX;
  bool positional = false;
  bool required = false;
  bool repeated = false;
};

struct VerbExample {
  std::string_view command;      // one shell line
  std::string_view explanation;  // one sentence
};

struct VerbTable {
  std::string_view description = {};  // paragraphs, separated by blank lines
  std::span<const VerbOption> options = {};
  std::span<const VerbExample> examples = {};  // at least one
  std::string_view no = {};                    // when it exits with 1; empty if it never does
  int (*run)(const VerbValues& values) = nullptr;
};

struct Verb {
  std::string_view name;
  std::string_view summary;  // lower case, no full stop
  const VerbTable* table;
};

// Sorted by name. Some have names of two words, the first of which is their group: "state query".
std::span<const Verb> verbs();
const Verb* find_verb(std::string_view name);

struct FoundVerb {
  const Verb* verb = nullptr;
  std::size_t words = 0;  // that are its name
};
FoundVerb find_verb(std::span<const std::string> words);  // the one they begin with

std::vector<const Verb*> verbs_of_group(std::string_view group);  // empty if it is none
std::string page_of(const Verb& verb);                            // "stream-state-query"

// What every verb takes: --help, --man.
std::span<const VerbOption> common_verb_options();

const VerbOption* find_option(const Verb& verb, std::string_view name);  // its own, then the common ones

extern const VerbTable kCancelVerb, kCheckVerb, kCheckpointVerb, kCompareVerb, kCompletionVerb, kControllerVerb,
    kDeadLetterVerb, kDeployVerb, kEventsVerb, kExplainVerb, kGcVerb, kGraphVerb, kHelpVerb, kLogsVerb, kProfileVerb,
    kPsVerb, kRescaleVerb, kResumeVerb, kRunVerb, kSavepointVerb, kServeVerb, kShowVerb, kStagesVerb, kStateDiffVerb,
    kStateEditVerb, kStateExportVerb, kStateLsVerb, kStateMergeVerb, kStateNewVerb, kStateQueryVerb, kStateReshardVerb,
    kStateShowVerb, kStateSplitVerb, kStatsVerb, kStopVerb, kTapVerb, kTestVerb, kTopVerb, kUpgradeVerb, kWaitVerb;

// --- rows that several tables have ---------------------------------------------------------------

// Left out, find_job() takes the only one.
constexpr VerbOption job_argument(ValueKind kind) {
  return {.name = "job",
          .arg = "JOB",
          .doc = "Name or unique id prefix of the job; may be left out where only one is meant.",
          .kind = kind,
          .positional = true};
}

// What the verbs look into that look into one snapshot.
constexpr VerbOption kSnapshotArgument = {
    .name = "ref",
    .arg = "REF",
    .doc = "A savepoint or checkpoint: a path, JOB@N, JOB@LABEL, JOB@latest, or JOB for its newest checkpoint.",
    .kind = ValueKind::kReference,
    .positional = true,
    .required = true};
constexpr std::string_view kNoSnapshot = "The snapshot is damaged.";

constexpr VerbOption json_option(std::string_view doc) {
  return {.name = "json", .doc = doc, .kind = ValueKind::kFlag};
}

}  // namespace stream
