#include "cli/command.h"

#include <cstdio>

#include "cli/remote.h"
#include "cli/verb_text.h"
#include "cli/verb_values.h"

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

}  // namespace

int fail(std::string_view verb, const Status& status) {
  const std::string head = verb.empty() ? "stream" : "stream " + std::string(verb);
  std::fprintf(stderr, "%s: fatal: %s\n", head.c_str(), status.what().c_str());
  return exit_code_of_verb(status.code());
}

int run_verb(const Verb& verb, std::span<const std::string> args) {
  const auto values = parse_verb(verb, args);
  if (!values.ok()) return fail(verb.name, values.status());
  const bool told = values->flag("help") || values->flag("man");
  if (!told && asks_server(verb, *values)) return run_remotely(verb, *values);
  if (!told) return verb.table->run(*values);
  std::fputs((values->flag("man") ? verb_manual(verb) : verb_help(verb)).c_str(), stdout);
  return kDone;
}

}  // namespace stream
