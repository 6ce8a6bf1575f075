#include <memory>
#include <string>

#include "stages/expression/kernel.h"
#include "stages/expression/operators.h"
#include "stages/expression/utf8.h"

namespace stream::expression {
namespace {

// One step of a pattern: a literal byte, any one character, or any text.
struct Step {
  enum class Kind : std::uint8_t { kByte, kOne, kAny } kind;
  char byte = 0;
};

struct Pattern {
  std::vector<Step> steps;
  bool broken = false;  // ends in its escape character
};

Pattern read_pattern(std::string_view text, char escape) {
  Pattern pattern;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (escape != 0 && c == escape) {
      if (++i == text.size()) {
        pattern.broken = true;
        return pattern;
      }
      pattern.steps.push_back({Step::Kind::kByte, text[i]});
    } else if (c == '%') {
      pattern.steps.push_back({Step::Kind::kAny});
    } else if (c == '_') {
      pattern.steps.push_back({Step::Kind::kOne});
    } else {
      pattern.steps.push_back({Step::Kind::kByte, c});
    }
  }
  return pattern;
}

// Greedy with one point to fall back to: the last '%'.
bool matches(std::string_view text, const std::vector<Step>& steps) {
  std::size_t t = 0;
  std::size_t s = 0;
  std::size_t back_t = 0;
  std::size_t back_s = steps.size() + 1;
  while (t < text.size()) {
    if (s < steps.size() && steps[s].kind == Step::Kind::kAny) {
      back_s = ++s;
      back_t = t;
    } else if (s < steps.size() && steps[s].kind == Step::Kind::kOne) {
      t += utf8_length(text, t);
      ++s;
    } else if (s < steps.size() && steps[s].byte == text[t]) {
      ++t;
      ++s;
    } else if (back_s <= steps.size()) {
      back_t += utf8_length(text, back_t);
      t = back_t;
      s = back_s;
    } else {
      return false;
    }
  }
  while (s < steps.size() && steps[s].kind == Step::Kind::kAny) ++s;
  return s == steps.size();
}

// The frequent shapes 'x', 'x%', '%x', '%x%' need no matcher.
enum class Shape : std::uint8_t { kEqual, kPrefix, kSuffix, kContains, kGeneral };

struct Compiled {
  Shape shape = Shape::kGeneral;
  std::string literal;
  std::vector<Step> steps;
  bool broken = false;
};

Compiled compile(std::string_view text, char escape) {
  const Pattern pattern = read_pattern(text, escape);
  Compiled out{Shape::kGeneral, {}, pattern.steps, pattern.broken};
  std::size_t begin = 0;
  std::size_t end = pattern.steps.size();
  while (begin < end && pattern.steps[begin].kind == Step::Kind::kAny) ++begin;
  while (end > begin && pattern.steps[end - 1].kind == Step::Kind::kAny) --end;
  for (std::size_t i = begin; i < end; ++i) {
    if (pattern.steps[i].kind != Step::Kind::kByte) return out;
    out.literal += pattern.steps[i].byte;
  }
  const bool open_end = end < pattern.steps.size();
  if (begin == 0) out.shape = open_end ? Shape::kPrefix : Shape::kEqual;
  if (begin > 0) out.shape = open_end || out.literal.empty() ? Shape::kContains : Shape::kSuffix;
  return out;
}

bool matches(std::string_view text, const Compiled& pattern) {
  switch (pattern.shape) {
    case Shape::kEqual: return text == pattern.literal;
    case Shape::kPrefix: return text.starts_with(pattern.literal);
    case Shape::kSuffix: return text.ends_with(pattern.literal);
    case Shape::kContains: return text.find(pattern.literal) != std::string_view::npos;
    case Shape::kGeneral: break;
  }
  return matches(text, pattern.steps);
}

}  // namespace

NodePtr make_like(NodePtr value, NodePtr pattern, bool fold_case, bool negated, char escape) {
  std::string text;
  if (literal_text(*pattern, &text) != nullptr) {
    const auto compiled = std::make_shared<const Compiled>(compile(fold_case ? lower_utf8(text) : text, escape));
    if (!compiled->broken) {
      return make_call(kBoolean, {std::move(value)}, map<std::uint8_t, std::string_view>([=](std::string_view x) {
                         return (fold_case ? matches(lower_utf8(x), *compiled) : matches(x, *compiled)) != negated;
                       }),
                       {.total = true, .cost = fold_case ? 60U : 15U});
    }
  }
  return make_call(kBoolean, {std::move(value), std::move(pattern)},
                   map_checked<std::uint8_t, std::string_view, std::string_view>(
                       [=](std::string_view x, std::string_view y, std::uint8_t& out) -> const char* {
                         const std::string folded = fold_case ? lower_utf8(y) : std::string(y);
                         const Compiled compiled = compile(folded, escape);
                         if (compiled.broken) return "LIKE pattern must not end with its escape character";
                         out = (fold_case ? matches(lower_utf8(x), compiled) : matches(x, compiled)) != negated;
                         return nullptr;
                       }),
                   {.cost = 150});
}

}  // namespace stream::expression
