#include "stages/expression/lex.h"

#include <algorithm>

namespace stream::expression {
namespace {

bool name_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}
bool digit(char c) { return c >= '0' && c <= '9'; }
bool name_part(char c) { return name_start(c) || digit(c) || c == '$'; }
bool blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  std::vector<Token> run() {
    while (at_ < text_.size()) {
      if (skip_blank()) continue;
      const std::size_t begin = at_;
      const Token::Kind kind = next();
      tokens_.push_back({kind, begin, at_});
    }
    return std::move(tokens_);
  }

 private:
  char peek(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }

  bool skip_blank() {
    if (blank(peek())) {
      ++at_;
      return true;
    }
    if (peek() == '-' && peek(1) == '-') {
      at_ = std::min(text_.find('\n', at_), text_.size());
      return true;
    }
    if (peek() != '/' || peek(1) != '*') return false;
    std::size_t depth = 0;
    do {
      const bool opens = peek() == '/' && peek(1) == '*';
      const bool closes = peek() == '*' && peek(1) == '/';
      depth += opens ? 1 : 0;
      depth -= closes ? 1 : 0;
      at_ += opens || closes ? 2 : 1;
    } while (depth != 0 && at_ < text_.size());
    return true;
  }

  Token::Kind next() {
    const char c = peek();
    if ((c == 'e' || c == 'E') && peek(1) == '\'') {
      ++at_;
      skip_quoted('\'', true);
      return Token::Kind::kText;
    }
    if (name_start(c)) {
      while (at_ < text_.size() && name_part(text_[at_])) ++at_;
      return Token::Kind::kName;
    }
    if (c == '"' || c == '\'') {
      skip_quoted(c, false);
      return c == '"' ? Token::Kind::kQuotedName : Token::Kind::kText;
    }
    if (digit(c) || (c == '.' && digit(peek(1)))) {
      while (digit(peek()) || peek() == '.' || peek() == 'e' || peek() == 'E') ++at_;
      return Token::Kind::kNumber;
    }
    if (c == '$' && skip_dollar_quoted()) return Token::Kind::kText;
    ++at_;
    return Token::Kind::kSymbol;
  }

  void skip_quoted(char quote, bool backslash) {
    for (++at_; at_ < text_.size(); ++at_) {
      if (backslash && text_[at_] == '\\') {
        ++at_;
      } else if (text_[at_] == quote) {
        if (peek(1) != quote) break;
        ++at_;
      }
    }
    at_ = std::min(at_ + 1, text_.size());
  }

  bool skip_dollar_quoted() {
    std::size_t end = at_ + 1;
    while (end < text_.size() && name_part(text_[end]) && text_[end] != '$') ++end;
    if (end >= text_.size() || text_[end] != '$' || digit(peek(1))) return false;
    const std::string_view mark = text_.substr(at_, end + 1 - at_);
    const std::size_t close = text_.find(mark, end + 1);
    at_ = close == std::string_view::npos ? text_.size() : close + mark.size();
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> lex(std::string_view text) { return Lexer(text).run(); }

std::optional<std::size_t> token_at(const std::vector<Token>& tokens, std::size_t offset) {
  const auto found = std::ranges::lower_bound(tokens, offset, {}, &Token::begin);
  if (found == tokens.end() || found->begin != offset) return std::nullopt;
  return static_cast<std::size_t>(found - tokens.begin());
}

Name name_of(std::string_view text, const Token& token) {
  const std::string_view word = text.substr(token.begin, token.end - token.begin);
  if (token.kind == Token::Kind::kName) return {std::string(word), false};
  if (token.kind != Token::Kind::kQuotedName || word.size() < 2) return {};
  Name name{"", true};
  for (std::size_t i = 1; i + 1 < word.size(); ++i) {
    name.text += word[i];
    if (word[i] == '"') ++i;
  }
  return name;
}

std::vector<std::pair<std::size_t, std::size_t>> split_items(std::string_view text, const std::vector<Token>& tokens) {
  std::vector<std::pair<std::size_t, std::size_t>> items;
  std::size_t begin = 0;
  int depth = 0;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i].kind != Token::Kind::kSymbol) continue;
    const char c = text[tokens[i].begin];
    if (c == '(' || c == '[') ++depth;
    if (c == ')' || c == ']') --depth;
    if (c != ',' || depth != 0) continue;
    items.emplace_back(begin, i);
    begin = i + 1;
  }
  items.emplace_back(begin, tokens.size());
  return items;
}

}  // namespace stream::expression
