// The tree that a pattern's text is. Internal to this folder.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "stages/expression/expression.h"

namespace stream::pattern {

struct Tree {
  enum class Kind : std::uint8_t { kVariable, kSequence, kAlternatives, kRepeat };
  static constexpr std::size_t kNoEnd = SIZE_MAX;

  Kind kind = Kind::kSequence;
  std::size_t variable = 0;  // kVariable
  std::vector<Tree> parts;   // kRepeat: one
  std::size_t least = 0;
  std::size_t most = kNoEnd;
  bool reluctant = false;
};

struct Parsed {
  Tree tree;
  std::vector<std::string> variables;
};

// Throws ExpressionError.
Parsed parse_tree(std::string_view text);

std::string to_string(const Tree& tree, const std::vector<std::string>& variables);

}  // namespace stream::pattern
