#include "supervisor/flink/patterns.h"

#include <algorithm>
#include <array>

namespace stream::flink {
namespace {

struct Part {
  std::string_view here;
  std::string_view java;
};
// Longer ones first.
constexpr std::array kParts = {Part{"YYYY", "yyyy"}, Part{"HH24", "HH"}, Part{"HH12", "hh"},
                               Part{"HH", "hh"},     Part{"MI", "mm"},   Part{"MM", "MM"},
                               Part{"DD", "dd"},     Part{"SS", "ss"},   Part{"MS", "SSS"}};

bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// Reads a regular expression, and writes it for Java.
class Regex {
 public:
  explicit Regex(std::string_view in) : in_(in) {}

  std::optional<std::string> write() {
    while (at_ < in_.size()) {
      if (!step(in_[at_])) return std::nullopt;
    }
    return (dots_ ? "(?s)" : "") + out_;
  }

 private:
  bool step(char c) {
    switch (c) {
      case '\\': return escape();
      case '[': return set();
      case '(': return open();
      case '|': return alternatives();
      case '$': return end();
      case '.': dots_ = true; break;
      default: break;
    }
    return take();
  }

  bool take() {
    out_ += in_[at_++];
    return true;
  }

  // Java's $ matches in front of a last line feed as well.
  bool end() {
    out_ += "\\z";
    ++at_;
    return true;
  }

  bool escape() {
    if (at_ + 1 >= in_.size()) return false;
    const char next = in_[at_ + 1];
    static constexpr std::string_view kSame = "dDwWtnrf";
    if (letter(next) && kSame.find(next) == std::string_view::npos) return false;
    if (next >= '0' && next <= '9') return false;
    out_ += in_.substr(at_, 2);
    at_ += 2;
    return true;
  }

  // Java knows sets in sets, and && between them.
  bool set() {
    take();
    if (at_ < in_.size() && in_[at_] == '^') take();
    if (at_ < in_.size() && in_[at_] == ']') return false;
    while (at_ < in_.size() && in_[at_] != ']') {
      if (in_[at_] == '[' || in_.substr(at_).starts_with("&&")) return false;
      if (in_[at_] == '\\' ? !escape() : !take()) return false;
    }
    return at_ < in_.size() && take();
  }

  bool open() {
    if (in_.substr(at_).starts_with("(?")) return false;
    return take();
  }

  // Of alternatives that are a character at most, which is tried first does not matter: none begins another.
  bool alternatives() {
    const std::size_t open = in_.rfind('(', at_);
    const std::size_t close = in_.find(')', at_);
    if (open == std::string_view::npos || close == std::string_view::npos) return false;
    std::size_t length = 0;
    for (const char c : in_.substr(open + 1, close - open - 1)) {
      if (c == '\\' || c == '[' || c == '(') return false;
      length = c == '|' ? 0 : length + 1;
      if (length > 1) return false;
    }
    return take();
  }

  std::string_view in_;
  std::string out_;
  std::size_t at_ = 0;
  bool dots_ = false;
};

}  // namespace

std::optional<std::string> java_time_pattern(std::string_view pattern) {
  std::string out;
  while (!pattern.empty()) {
    const auto* part = std::ranges::find_if(kParts, [&](const Part& p) { return pattern.starts_with(p.here); });
    if (part != kParts.end()) {
      out += part->java;
      pattern.remove_prefix(part->here.size());
      continue;
    }
    static constexpr std::string_view kSpecial = "\"'[]{}#";
    if (letter(pattern[0]) || kSpecial.find(pattern[0]) != std::string_view::npos) return std::nullopt;
    out += pattern[0];
    pattern.remove_prefix(1);
  }
  return out;
}

std::optional<std::string> java_regex(std::string_view pattern) { return Regex(pattern).write(); }

}  // namespace stream::flink
