#include "stages/match/pattern_tree.h"

#include <algorithm>

#include "transport/base/text.h"

namespace stream::pattern {
namespace {

using Kind = Tree::Kind;

constexpr std::size_t kDepthMax = 100;
constexpr std::int64_t kRepeatMax = 10'000;

bool begins_name(char c) { return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool continues_name(char c) { return begins_name(c) || (c >= '0' && c <= '9'); }

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Parsed run() {
    Tree tree = alternatives();
    if (at_ < text_.size()) unexpected();
    return {std::move(tree), std::move(variables_)};
  }

 private:
  [[noreturn]] static void fail(std::size_t offset, std::string message, std::string hint = {}) {
    throw ExpressionError{offset, std::move(message), std::move(hint)};
  }

  char peek() {
    while (at_ < text_.size() && trim(text_.substr(at_, 1)).empty()) ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool accept(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }

  [[noreturn]] void unexpected() {
    const char c = peek();
    if (c == '\0') fail(at_, "a variable is missing");
    if (c == '^' || c == '$') fail(at_, "^ and $ are not supported", "a stream has no first and last row");
    if (c == '-') fail(at_, "{- … -} is not supported", "leave rows out with a filter behind");
    if (c == '*' || c == '+' || c == '?' || c == '{') fail(at_, "a quantifier needs a variable before it");
    fail(at_, "'" + std::string(1, c) + "' is not expected here",
         c == ',' ? "variables that follow each other are only separated by blanks" : "");
  }

  Tree alternatives() {
    Tree first = sequence();
    if (peek() != '|') return first;
    Tree out{.kind = Kind::kAlternatives, .parts = {}};
    out.parts.push_back(std::move(first));
    while (accept('|')) out.parts.push_back(sequence());
    return out;
  }

  Tree sequence() {
    Tree out{.kind = Kind::kSequence, .parts = {}};
    while (begins_name(peek()) || peek() == '(' || peek() == '"') out.parts.push_back(quantified());
    if (out.parts.empty()) unexpected();
    return out.parts.size() == 1 ? std::move(out.parts[0]) : std::move(out);
  }

  Tree quantified() {
    Tree tree = element();
    std::size_t least = 0;
    std::size_t most = Tree::kNoEnd;
    if (!quantifier(least, most)) return tree;
    Tree out{.kind = Kind::kRepeat, .parts = {}, .least = least, .most = most};
    out.parts.push_back(std::move(tree));
    out.reluctant = accept('?');
    return out;
  }

  bool quantifier(std::size_t& least, std::size_t& most) {
    if (accept('*')) return true;
    if (accept('+')) {
      least = 1;
      return true;
    }
    if (accept('?')) {
      most = 1;
      return true;
    }
    if (peek() != '{') return false;
    const std::size_t begin = at_++;
    const bool counted = peek() >= '0' && peek() <= '9';
    if (counted) least = number();
    if (accept(',')) {
      if (peek() >= '0' && peek() <= '9') {
        most = number();
      } else if (!counted) {
        fail(begin, "{,} has no number", "write * for any number of rows");
      }
    } else if (counted) {
      most = least;
    } else {
      unexpected();
    }
    if (!accept('}')) fail(at_, "'}' is missing", "quantifiers are {n}, {n,}, {n,m} and {,m}");
    if (most < least) fail(begin, "the least number of rows is above the most");
    if (most == 0) fail(begin, "{0} matches no row", "leave the variable out");
    return true;
  }

  std::size_t number() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') ++at_;
    const auto value = parse_integer(text_.substr(begin, at_ - begin));
    if (!value.ok() || *value > kRepeatMax) fail(begin, "at most 10000 rows can be counted");
    return static_cast<std::size_t>(*value);
  }

  Tree element() {
    if (!accept('(')) return variable();
    if (++depth_ > kDepthMax) fail(at_, "the pattern is nested too deeply", "the limit is 100 levels");
    const std::size_t begin = at_ - 1;
    Tree inner = alternatives();
    if (peek() != ')' && at_ < text_.size()) unexpected();
    if (!accept(')')) fail(begin, "the parenthesis is not closed");
    --depth_;
    return inner;
  }

  Tree variable() {
    const std::size_t begin = at_;
    std::string name;
    if (accept('"')) {
      const std::size_t end = text_.find('"', at_);
      if (end == std::string_view::npos || end == at_) fail(begin, "the double quote is not closed around a name");
      name = text_.substr(at_, end - at_);
      at_ = end + 1;
    } else {
      while (at_ < text_.size() && continues_name(text_[at_])) name += text_[at_++];
      if (lower(name) == "permute") fail(begin, "PERMUTE is not supported", "write the orders: (A B | B A)");
    }
    return Tree{.kind = Kind::kVariable, .variable = index_of(name), .parts = {}};
  }

  // As SQL folds names, a and A are one variable.
  std::size_t index_of(const std::string& name) {
    const auto same = [&](const std::string& other) { return lower(other) == lower(name); };
    const auto known = std::ranges::find_if(variables_, same);
    if (known != variables_.end()) return static_cast<std::size_t>(known - variables_.begin());
    variables_.push_back(name);
    return variables_.size() - 1;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
  std::vector<std::string> variables_;
};

std::string quantifier_of(const Tree& tree) {
  const std::string least = std::to_string(tree.least);
  std::string out;
  if (tree.most == Tree::kNoEnd) {
    out = tree.least == 0 ? "*" : tree.least == 1 ? "+" : "{" + least + ",}";
  } else if (tree.most == tree.least) {
    out = "{" + least + "}";
  } else {
    out = tree.least == 0 && tree.most == 1 ? "?" : "{" + least + "," + std::to_string(tree.most) + "}";
  }
  return out + (tree.reluctant ? "?" : "");
}

}  // namespace

Parsed parse_tree(std::string_view text) { return Parser(text).run(); }

std::string to_string(const Tree& tree, const std::vector<std::string>& variables) {
  if (tree.kind == Kind::kVariable) return variables[tree.variable];
  std::string out;
  for (const Tree& part : tree.parts) {
    if (!out.empty()) out += tree.kind == Kind::kAlternatives ? " | " : " ";
    const bool bare = part.kind == Kind::kVariable || (part.kind == Kind::kRepeat && tree.kind != Kind::kRepeat);
    out += bare ? to_string(part, variables) : "(" + to_string(part, variables) + ")";
  }
  return tree.kind == Kind::kRepeat ? out + quantifier_of(tree) : out;
}

}  // namespace stream::pattern
