// Pattern: a row pattern as in MATCH_RECOGNIZE, "A B+? (C | D){2,3}", and what may follow what in it.
//
// Every place of the pattern where a row can match a variable is a position. What may come behind a position is a
// list in the order of preference: a greedy quantifier rather goes on, a reluctant one rather ends, of alternatives
// the first is preferred. So the first way through the lists that a row sequence allows is the match that SQL wants.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "stages/expression/expression.h"

namespace stream {

inline constexpr std::size_t kPatternVariablesMax = 62;
inline constexpr std::size_t kPatternPositionsMax = 10'000;

// What may come next, the preferred first. With `ends` the match may also end here: then nothing that is liked less
// matters, and is not in the list.
struct PatternNext {
  std::vector<std::uint32_t> positions;
  bool ends = false;
};

struct Pattern {
  std::vector<std::string> variables;    // in the order they are first named
  std::vector<std::size_t> variable_of;  // by position
  std::vector<PatternNext> next;         // by position
  PatternNext first;                     // never ends: a pattern that no row matches is refused
  std::string text;                      // in one spelling
};

// nullopt with `error` set if the text is no pattern.
std::optional<Pattern> parse_pattern(std::string_view text, ExpressionError* error);

}  // namespace stream
