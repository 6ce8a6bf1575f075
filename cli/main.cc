#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "cli/candidates.h"
#include "cli/command.h"
#include "cli/commanded.h"
#include "cli/verb.h"
#include "cli/verb_text.h"
#include "supervisor/stage_folders.h"
#include "transport/base/text.h"

namespace {

using namespace stream;

int print(const std::string& text) { return std::fputs(text.c_str(), stdout) < 0 ? kSystemExit : kDone; }

// "stream state", with what stands behind it that is no verb of the group.
int run_group(const std::string& group, std::span<const std::string> rest) {
  if (!rest.empty() && (rest[0] == "--help" || rest[0] == "-h")) return print(group_help(group));
  std::vector<std::string> names;
  for (const Verb* verb : verbs_of_group(group)) names.emplace_back(verb->name.substr(group.size() + 1));
  if (rest.empty()) return fail(group, usage_error("what to do is missing: " + join(names, ", ")));
  return fail(group, usage_error("there is no verb '" + group + " " + rest[0] + "'" + did_you_mean(rest[0], names)));
}

int unknown_verb(const std::string& name) {
  FolderCatalogue catalogue(stage_folders(), cache_folder(), system_files());
  if (const auto stage = catalogue.find(name); stage.ok() && *stage != nullptr) {
    return fail("", usage_error("'" + name + "' is a stage, not a verb: run stream-" + name));
  }
  std::vector<std::string> names;
  for (const Verb& verb : verbs()) names.emplace_back(verb.name);
  return fail("", usage_error("there is no verb '" + name + "'" + did_you_mean(name, names)));
}

int run_words(const std::vector<std::string>& args) {
  if (const FoundVerb found = find_verb(args); found.verb != nullptr)
    return run_verb(*found.verb, std::span(args).subspan(found.words));
  const std::string& first = args[0];
  return verbs_of_group(first).empty() ? unknown_verb(first) : run_group(first, std::span(args).subspan(1));
}

int run(const std::vector<std::string>& args) {
  if (args.empty()) {
    print(verbs_help());
    return kUsageExit;
  }
  const std::string& first = args[0];
  if (first == "--help" || first == "-h") return print(verbs_help());
  if (first == "--man") return print(stream_manual());
  if (first == "--version") return print("stream " STREAM_VERSION "\n");
  if (first == "--candidates") return print(candidates_text(std::span(args).subspan(1)));
  if (first == "--commanded" && args.size() == 1) {
    const auto command = take_command();
    return command ? run_words(*command) : kUsageExit;
  }
  if (first.starts_with("-")) return fail("", usage_error("unknown option '" + first + "'; see stream help"));
  return run_words(args);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const int code = run({argv + 1, argv + argc});
    return std::fflush(stdout) == 0 ? code : kSystemExit;
  } catch (const std::exception& error) { return fail("", failed(error.what())); }
}
