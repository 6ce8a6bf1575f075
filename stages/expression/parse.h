// From text to an untyped tree: PostgreSQL's grammar through libpg_query, names as written.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "stages/expression/lex.h"

namespace stream::expression {

inline constexpr std::size_t kTextBytesParsed = 65536;  // longer expressions are refused
inline constexpr std::size_t kDepthMax = 1000;

struct Ast {
  enum class Kind : std::uint8_t {
    kColumn,   // names: a, a.b, …
    kStar,     // names: empty, or the input
    kInteger,  // text: digits
    kNumber,   // text
    kText,     // text
    kBoolean,  // text: "true" or "false"
    kNull,
    kSpecial,   // text: CURRENT_DATE, USER, …; names: the word as written
    kOperator,  // text: the operator; 1 or 2 arguments
    kCall,      // text: function name, lower case; star, distinct, filter
    kCast,      // text: type name with modifiers
    kAnd,
    kOr,
    kNot,
    kCase,  // [operand if flag] (when then)* [else if has_else]
    kCoalesce,
    kGreatest,
    kLeast,
    kNullIf,
    kIn,           // value, items; negated
    kBetween,      // value, low, high; negated, flag = symmetric
    kLike,         // text: ~~, !~~, ~~*, !~~*; value, pattern, [escape]
    kSimilar,      // value, pattern, [escape]; negated
    kDistinct,     // a, b; negated
    kNullTest,     // a; negated
    kBooleanTest,  // text: "TRUE", "FALSE" or "UNKNOWN"; a; negated
    kSlot,         // an aggregate's result: index
  };

  Kind kind = Kind::kNull;
  std::size_t offset = 0;
  std::string text;
  std::vector<Name> names;
  std::vector<Ast> arguments;
  std::vector<Ast> filter;  // 0 or 1
  std::size_t index = 0;
  bool negated = false;
  bool flag = false;
  bool has_else = false;
  bool star = false;
  bool distinct = false;

  // Equal but for places in the text.
  bool same(const Ast& other) const;
};

struct ParsedItem {
  Ast tree;
  std::string alias;      // "" if none was written
  std::string text;       // of this item, without the alias
  std::size_t begin = 0;  // where that text starts
};

// What stops compilation; caught at the module's entry points.
struct Failure {
  std::size_t offset = 0;
  std::string message;
  std::string hint;
};

// Parses a select list. Throws Failure. `columns` are the names to think of when a reserved word
// stands where a name should.
std::vector<ParsedItem> parse_list(std::string_view text, const std::vector<std::string>& columns);

// Parses exactly one expression without an alias. Throws Failure.
Ast parse_expression(std::string_view text, const std::vector<std::string>& columns);

bool valid_utf8(std::string_view text);

}  // namespace stream::expression
