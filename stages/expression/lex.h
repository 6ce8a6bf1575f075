// The words of an expression's text with their places, to take names as the user wrote them: the
// parser folds their case.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace stream::expression {

struct Token {
  enum class Kind : std::uint8_t { kName, kQuotedName, kText, kNumber, kSymbol };
  Kind kind = Kind::kSymbol;
  std::size_t begin = 0;
  std::size_t end = 0;
};

// A name as written; quoted ones match exactly only.
struct Name {
  std::string text;
  bool quoted = false;
  friend bool operator==(const Name&, const Name&) = default;
};

// Follows PostgreSQL's lexical rules closely enough to find names; never fails.
std::vector<Token> lex(std::string_view text);

// Index of the token that starts at `offset`.
std::optional<std::size_t> token_at(const std::vector<Token>& tokens, std::size_t offset);

// The name a token is; "" for one that is none.
Name name_of(std::string_view text, const Token& token);

// Ranges [first, behind last) of tokens between the commas outside of parentheses.
std::vector<std::pair<std::size_t, std::size_t>> split_items(std::string_view text, const std::vector<Token>& tokens);

}  // namespace stream::expression
