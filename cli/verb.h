// The verbs of `stream`: one table, one file a verb.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace stream {

struct Verb {
  std::string_view name;
  std::string_view usage;                         // "MANIFEST|PIPELINE [OPTION]..."
  std::string_view summary;                       // lower case, no full stop
  int (*run)(std::span<const std::string> args);  // arguments behind the verb -> exit code
};

// Sorted by name.
std::span<const Verb> verbs();
const Verb* find_verb(std::string_view name);

int verb_cancel(std::span<const std::string> args);
int verb_check(std::span<const std::string> args);
int verb_checkpoint(std::span<const std::string> args);
int verb_completion(std::span<const std::string> args);
int verb_dead_letter(std::span<const std::string> args);
int verb_events(std::span<const std::string> args);
int verb_explain(std::span<const std::string> args);
int verb_gc(std::span<const std::string> args);
int verb_graph(std::span<const std::string> args);
int verb_help(std::span<const std::string> args);
int verb_logs(std::span<const std::string> args);
int verb_ps(std::span<const std::string> args);
int verb_resume(std::span<const std::string> args);
int verb_run(std::span<const std::string> args);
int verb_savepoint(std::span<const std::string> args);
int verb_show(std::span<const std::string> args);
int verb_stages(std::span<const std::string> args);
int verb_stats(std::span<const std::string> args);
int verb_stop(std::span<const std::string> args);
int verb_wait(std::span<const std::string> args);

}  // namespace stream
