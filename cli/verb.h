// The verbs of `stream`: one table, one file a verb.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace stream {

struct Verb {
  std::string_view name;
  std::string_view usage;    // "MANIFEST|PIPELINE [OPTION]..."
  std::string_view summary;  // lower case, no full stop
  int (*run)(std::span<const std::string> args);  // arguments behind the verb -> exit code
};

// Sorted by name.
std::span<const Verb> verbs();
const Verb* find_verb(std::string_view name);

int verb_check(std::span<const std::string> args);
int verb_completion(std::span<const std::string> args);
int verb_explain(std::span<const std::string> args);
int verb_graph(std::span<const std::string> args);
int verb_help(std::span<const std::string> args);
int verb_stages(std::span<const std::string> args);

}  // namespace stream
