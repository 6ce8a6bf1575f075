#include <algorithm>
#include <array>

#include "cli/verb.h"

namespace stream {

namespace {

// CMakeLists.txt reads the names from here: a manual page is made for each.
constexpr std::array kVerbs = {
    Verb{"cancel", "end a job without a savepoint", &kCancelVerb},
    Verb{"check", "find what is wrong with a pipeline without running it", &kCheckVerb},
    Verb{"checkpoint", "take a checkpoint now, or list them", &kCheckpointVerb},
    Verb{"compare", "compare two runs, jobs, results or states", &kCompareVerb},
    Verb{"completion", "print a completion script for stream", &kCompletionVerb},
    Verb{"controller", "look after the pipelines of a Kubernetes namespace", &kControllerVerb},
    Verb{"dead-letter", "print the records a job could not process", &kDeadLetterVerb},
    Verb{"deploy", "run a pipeline on what somebody else runs", &kDeployVerb},
    Verb{"events", "print what has happened to a job", &kEventsVerb},
    Verb{"explain", "print the plan of a pipeline: schemas, columns, state", &kExplainVerb},
    Verb{"gc", "delete what crashes have left of snapshots", &kGcVerb},
    Verb{"graph", "draw the stages of a pipeline", &kGraphVerb},
    Verb{"help", "print what a verb does and takes", &kHelpVerb},
    Verb{"logs", "print what a job and its stages have logged", &kLogsVerb},
    Verb{"profile", "draw what a stage spends its time with", &kProfileVerb},
    Verb{"ps", "list the jobs", &kPsVerb},
    Verb{"rescale", "give stages of a running job more or fewer processes", &kRescaleVerb},
    Verb{"resume", "go on with a job that was stopped or has failed", &kResumeVerb},
    Verb{"run", "start a job, or go on with it", &kRunVerb},
    Verb{"savepoint", "make, list, pack or delete savepoints", &kSavepointVerb},
    Verb{"serve", "serve the jobs over HTTP, as Flink does", &kServeVerb},
    Verb{"show", "print what is known of a job", &kShowVerb},
    Verb{"stages", "list the stage programs, or print the help of one", &kStagesVerb},
    Verb{"state diff", "compare the state of two savepoints or checkpoints", &kStateDiffVerb},
    Verb{"state edit", "change state in a copy of a savepoint", &kStateEditVerb},
    Verb{"state export", "print a table of state", &kStateExportVerb},
    Verb{"state ls", "list the tables of state", &kStateLsVerb},
    Verb{"state merge", "make one savepoint of those of several jobs", &kStateMergeVerb},
    Verb{"state new", "make state for a pipeline from rows", &kStateNewVerb},
    Verb{"state query", "ask state in SQL", &kStateQueryVerb},
    Verb{"state reshard", "change the number of key groups of a savepoint", &kStateReshardVerb},
    Verb{"state show", "print columns, size and skew of state", &kStateShowVerb},
    Verb{"state split", "make several savepoints of one, by keys", &kStateSplitVerb},
    Verb{"stats", "print rates, load, state and checkpoint times of a job", &kStatsVerb},
    Verb{"stop", "end a job with a savepoint", &kStopVerb},
    Verb{"tap", "print the rows of a stage as they pass", &kTapVerb},
    Verb{"test", "run the tests of a manifest", &kTestVerb},
    Verb{"top", "watch all jobs on the whole terminal", &kTopVerb},
    Verb{"upgrade", "replace a running job by another version of it", &kUpgradeVerb},
    Verb{"wait", "wait until a job runs, has a checkpoint, or has finished", &kWaitVerb},
};

constexpr std::array kCommonOptions = {
    VerbOption{.name = "help", .letter = 'h', .doc = "Print this help.", .kind = ValueKind::kFlag},
    VerbOption{.name = "man", .doc = "Print the manual page.", .kind = ValueKind::kFlag},
    VerbOption{
        .name = "server",
        .arg = "URL",
        .doc = "Have the server at URL do it, see stream-rest(7). Not set: $STREAM_SERVER, else it is done here."},
    VerbOption{.name = "token-file",
               .arg = "FILE",
               .doc = "File of the token for the server. Not set: $STREAM_TOKEN_FILE, else none.",
               .kind = ValueKind::kPath},
    VerbOption{.name = "ca-file",
               .arg = "FILE",
               .doc = "Certificates of who has signed the server's, PEM. Not set: $STREAM_CA_FILE, else the system's.",
               .kind = ValueKind::kPath},
};

}  // namespace

std::span<const Verb> verbs() { return kVerbs; }

const Verb* find_verb(std::string_view name) {
  const auto it = std::ranges::find(kVerbs, name, &Verb::name);
  return it == kVerbs.end() ? nullptr : &*it;
}

FoundVerb find_verb(std::span<const std::string> words) {
  if (words.size() > 1) {
    if (const Verb* verb = find_verb(words[0] + " " + words[1])) return {verb, 2};
  }
  const Verb* verb = words.empty() ? nullptr : find_verb(words[0]);
  return {verb, verb == nullptr ? 0U : 1U};
}

std::vector<const Verb*> verbs_of_group(std::string_view group) {
  std::vector<const Verb*> found;
  for (const Verb& verb : kVerbs) {
    if (verb.name.size() > group.size() && verb.name.starts_with(group) && verb.name[group.size()] == ' ')
      found.push_back(&verb);
  }
  return found;
}

std::string page_of(const Verb& verb) {
  std::string page = "stream-" + std::string(verb.name);
  std::ranges::replace(page, ' ', '-');
  return page;
}

std::span<const VerbOption> common_verb_options() { return kCommonOptions; }

const VerbOption* find_option(const Verb& verb, std::string_view name) {
  for (const std::span<const VerbOption> options : {verb.table->options, common_verb_options()}) {
    const auto it = std::ranges::find(options, name, &VerbOption::name);
    if (it != options.end()) return &*it;
  }
  return nullptr;
}

}  // namespace stream
