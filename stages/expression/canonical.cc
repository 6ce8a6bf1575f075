#include "stages/expression/canonical.h"

#include <algorithm>

#include "stages/expression/lex.h"
#include "transport/base/text.h"

namespace stream::expression {
namespace {

using Kind = Token::Kind;

bool plain_word(std::string_view text) {
  if (text.empty() || (text[0] >= '0' && text[0] <= '9')) return false;
  return std::ranges::all_of(text, [](char c) {
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  });
}

// A name that differs from columns by case only means the one there is, if there is one.
std::string word_of(const Name& name, std::string_view written, const Schema& schema) {
  if (schema.find(name.text)) return plain_word(name.text) ? name.text : std::string(written);
  if (name.quoted) return std::string(written);
  std::string folded = lower(name.text);
  const auto same = [&](const Field& field) { return lower(field.name) == folded; };
  if (std::ranges::count_if(schema.fields, same) != 1) return folded;
  return std::ranges::find_if(schema.fields, same)->name;
}

bool is_name(const Token& token) { return token.kind == Kind::kName || token.kind == Kind::kQuotedName; }

// Symbols that touch may be one operator, those apart are two.
bool blank_between(std::string_view text, const Token& left, const Token& right) {
  const char a = text[left.begin];
  const char b = text[right.begin];
  const bool symbols = left.kind == Kind::kSymbol && right.kind == Kind::kSymbol;
  if (left.kind == Kind::kSymbol && (a == '(' || a == '.')) return false;
  if (right.kind == Kind::kSymbol && (b == ')' || b == ',' || b == '.')) return false;
  if (right.kind == Kind::kSymbol && b == '(') return !is_name(left);
  if (symbols && a != ')' && a != ',') return left.end != right.begin;
  return true;
}

}  // namespace

std::string canonical_text(std::string_view text, const Schema& schema) {
  const std::vector<Token> tokens = lex(text);
  std::string out;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (i > 0 && blank_between(text, tokens[i - 1], tokens[i])) out += ' ';
    const std::string_view written = text.substr(tokens[i].begin, tokens[i].end - tokens[i].begin);
    out += is_name(tokens[i]) ? word_of(name_of(text, tokens[i]), written, schema) : written;
  }
  return out;
}

}  // namespace stream::expression
