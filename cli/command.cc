#include "cli/command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>

#include "cli/verb.h"
#include "transport/base/text.h"

namespace stream {
namespace {

int exit_code_of_verb(Code code) {
  switch (code) {
    case Code::kUsage: return kUsageExit;
    case Code::kSystem:
    case Code::kNotFound: return kSystemExit;
    default: return kNo;
  }
}

std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

Status check_extras(const CLI::App& app) {
  for (std::string extra : app.remaining()) {
    if (extra == "--") continue;
    if (!extra.starts_with("-"))
      return usage_error("unexpected argument '" + extra + "'; a pipeline must be quoted as one argument");
    extra = extra.substr(0, extra.find('='));
    const std::vector<std::string> names = option_names(app);
    return usage_error("unknown option '" + extra + "'" + did_you_mean(extra, names));
  }
  return {};
}

// CLI11 names the option first: "--set: 1 required TEXT missing"; "pipeline is required".
Status from_cli(const CLI::ParseError& error) {
  const std::string what = error.what();
  const std::string option = what.substr(0, what.find_first_of(": "));
  if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::RequiredError)) {
    return usage_error("argument " + option + " is missing");
  }
  if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::ArgumentMismatch) && option.starts_with("-")) {
    return usage_error("option '" + option + "' needs a value");
  }
  return usage_error(what.substr(0, what.find('\n')));
}

}  // namespace

int fail(std::string_view verb, const Status& status) {
  const std::string head = verb.empty() ? "stream" : "stream " + std::string(verb);
  std::fprintf(stderr, "%s: fatal: %s\n", head.c_str(), status.what().c_str());
  return exit_code_of_verb(status.code());
}

int run_verb(std::string_view verb, std::span<const std::string> args, const std::function<void(CLI::App&)>& declare,
             const std::function<int()>& run) {
  const Verb* entry = find_verb(verb);
  CLI::App app(entry == nullptr ? "" : std::string(entry->summary), "stream " + std::string(verb));
  app.allow_extras();
  declare(app);
  try {
    app.parse(std::vector<std::string>(args.rbegin(), args.rend()));
  } catch (const CLI::CallForHelp&) {
    std::fputs(app.help().c_str(), stdout);
    return kDone;
  } catch (const CLI::ParseError& error) { return fail(verb, from_cli(error)); }
  const Status extras = check_extras(app);
  return extras.ok() ? run() : fail(verb, extras);
}

}  // namespace stream
