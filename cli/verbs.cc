#include <algorithm>
#include <array>

#include "cli/verb.h"

namespace stream {
namespace {

constexpr std::array kVerbs = {
    Verb{"cancel", "[JOB]", "end a job without a savepoint", verb_cancel},
    Verb{"check", "MANIFEST|PIPELINE [OPTION]...", "find what is wrong with a pipeline without running it", verb_check},
    Verb{"checkpoint", "[JOB]", "take a checkpoint now and wait for it", verb_checkpoint},
    Verb{"completion", "bash|zsh|fish", "print a completion script for stream", verb_completion},
    Verb{"dead-letter", "[JOB]", "print the records a job could not process", verb_dead_letter},
    Verb{"events", "[JOB]", "print what has happened to a job", verb_events},
    Verb{"explain", "MANIFEST|PIPELINE [OPTION]...", "print the plan of a pipeline: schemas, columns, state",
         verb_explain},
    Verb{"gc", "[--dry-run] [JOB]", "delete snapshot files that no checkpoint names", verb_gc},
    Verb{"graph", "MANIFEST|PIPELINE [OPTION]...", "draw the stages of a pipeline", verb_graph},
    Verb{"help", "[VERB]", "print what a verb does and takes", verb_help},
    Verb{"logs", "[-f] [OPTION]... [JOB]", "print what a job and its stages have logged", verb_logs},
    Verb{"ps", "[--all]", "list the jobs", verb_ps},
    Verb{"resume", "[JOB]", "go on with a job that was stopped or has failed", verb_resume},
    Verb{"run", "MANIFEST|PIPELINE [-d] [OPTION]...", "start a job, or go on with it", verb_run},
    Verb{"savepoint", "[OPTION]... [JOB]", "make, list or delete savepoints", verb_savepoint},
    Verb{"show", "[JOB]", "print what is known of a job", verb_show},
    Verb{"stages", "[NAME]", "list the stage programs, or print the help of one", verb_stages},
    Verb{"stats", "[--watch] [JOB]", "print rates, load, state and checkpoint times of a job", verb_stats},
    Verb{"stop", "[--drain] [OPTION]... [JOB]", "end a job with a savepoint", verb_stop},
    Verb{"wait", "[--for EVENT] [JOB]", "wait until a job runs, has a checkpoint, or has finished", verb_wait},
};

}  // namespace

std::span<const Verb> verbs() { return kVerbs; }

const Verb* find_verb(std::string_view name) {
  const auto it = std::ranges::find(kVerbs, name, &Verb::name);
  return it == kVerbs.end() ? nullptr : &*it;
}

}  // namespace stream
