#include <cstdio>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/verb.h"
#include "cli/verb_text.h"
#include "cli/verb_values.h"
#include "transport/base/text.h"

namespace stream {
namespace {

int print_all(bool as_json) {
  if (!as_json) std::fputs(verbs_help().c_str(), stdout);
  for (const Verb& verb : verbs()) {
    if (as_json) std::fputs(verb_json(verb).c_str(), stdout);
  }
  return kDone;
}

int run(const VerbValues& values) {
  const std::string name = join(values.list("verb"), " ");
  const bool as_json = values.flag("json");
  if (name.empty()) return print_all(as_json);
  if (const Verb* verb = find_verb(name)) {
    std::fputs((as_json ? verb_json(*verb) : verb_help(*verb)).c_str(), stdout);
    return kDone;
  }
  if (!verbs_of_group(name).empty() && !as_json) {
    std::fputs(group_help(name).c_str(), stdout);
    return kDone;
  }
  std::vector<std::string> names;
  for (const Verb& known : verbs()) names.emplace_back(known.name);
  return fail("help", usage_error("there is no verb '" + name + "'" + did_you_mean(name, names)));
}

constexpr VerbOption kOptions[] = {
    {.name = "verb",
     .arg = "VERB",
     .doc = "The verb to explain; without one all are listed.",
     .kind = ValueKind::kVerb,
     .positional = true,
     .repeated = true},
    json_option("Print JSON, a line a verb: its options, their kinds and choices, its examples."),
};

constexpr VerbExample kExamples[] = {
    {"stream help savepoint", "What savepoint does and takes."},
    {"stream help --json | stream-select 'name, summary'", "All verbs, for programs."},
};

}  // namespace

const VerbTable kHelpVerb = {
    .description =
        "Prints the list of verbs, or what one verb does and takes. The manual page of a verb, stream-VERB(1), "
        "says the same with more words.",
    .options = kOptions,
    .examples = kExamples,
    .run = run,
};

}  // namespace stream
