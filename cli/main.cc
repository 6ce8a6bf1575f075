#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/verb.h"
#include "supervisor/stage_folders.h"
#include "transport/base/text.h"

namespace {

using namespace stream;

int unknown_verb(const std::string& name) {
  FolderCatalogue catalogue(stage_folders(), cache_folder(), system_files());
  if (const auto stage = catalogue.find(name); stage.ok() && *stage != nullptr) {
    return fail("", usage_error("'" + name + "' is a stage, not a verb: run stream-" + name));
  }
  std::vector<std::string> names;
  for (const Verb& verb : verbs()) names.emplace_back(verb.name);
  return fail("", usage_error("there is no verb '" + name + "'" + did_you_mean(name, names)));
}

int run(const std::vector<std::string>& args) {
  if (args.empty()) {
    verb_help({});
    return kUsageExit;
  }
  if (args[0] == "--help" || args[0] == "-h") return verb_help({});
  if (args[0] == "--version") return std::puts("stream " STREAM_VERSION) < 0 ? kSystemExit : kDone;
  if (args[0].starts_with("-")) return fail("", usage_error("unknown option '" + args[0] + "'; see stream help"));
  const Verb* verb = find_verb(args[0]);
  return verb == nullptr ? unknown_verb(args[0]) : verb->run(std::span(args).subspan(1));
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const int code = run({argv + 1, argv + argc});
    return std::fflush(stdout) == 0 ? code : kSystemExit;
  } catch (const std::exception& error) { return fail("", failed(error.what())); }
}
