#include <algorithm>
#include <array>

#include "cli/verb.h"

namespace stream {
namespace {

constexpr std::array kVerbs = {
    Verb{"check", "MANIFEST|PIPELINE [OPTION]...", "find what is wrong with a pipeline without running it", verb_check},
    Verb{"completion", "bash|zsh|fish", "print a completion script for stream", verb_completion},
    Verb{"explain", "MANIFEST|PIPELINE [OPTION]...", "print the plan of a pipeline: schemas, columns, state", verb_explain},
    Verb{"graph", "MANIFEST|PIPELINE [OPTION]...", "draw the stages of a pipeline", verb_graph},
    Verb{"help", "[VERB]", "print what a verb does and takes", verb_help},
    Verb{"stages", "[NAME]", "list the stage programs, or print the help of one", verb_stages},
};

}  // namespace

std::span<const Verb> verbs() { return kVerbs; }

const Verb* find_verb(std::string_view name) {
  const auto it = std::ranges::find(kVerbs, name, &Verb::name);
  return it == kVerbs.end() ? nullptr : &*it;
}

}  // namespace stream
