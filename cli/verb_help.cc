#include <cstdio>

#include "cli/command.h"
#include "cli/verb.h"
#include "transport/base/text.h"

namespace stream {
namespace {

void print_table() {
  std::puts("usage: stream VERB [ARGUMENT]...\n\nverbs:");
  for (const Verb& verb : verbs()) {
    std::printf("  %-12s %s\n", std::string(verb.name).c_str(), std::string(verb.summary).c_str());
  }
  std::puts(
      "\n'stream help VERB' tells what a verb takes, 'stream stages' lists the stages.\nStages are programs "
      "of their own: stream-filter --help");
}

}  // namespace

int verb_help(std::span<const std::string> args) {
  if (args.empty()) {
    print_table();
    return kDone;
  }
  const Verb* verb = find_verb(args[0]);
  if (verb != nullptr && verb->name != "help") return verb->run(std::vector<std::string>{"--help"});
  if (verb != nullptr || args[0] == "--help") {
    print_table();
    return kDone;
  }
  std::vector<std::string> names;
  for (const Verb& known : verbs()) names.emplace_back(known.name);
  return fail("help", usage_error("there is no verb '" + args[0] + "'" + did_you_mean(args[0], names)));
}

}  // namespace stream
