#include "stages/expression/plain_regex.h"

#include <cstring>

namespace stream::expression {
namespace {

constexpr std::size_t kItemsMax = 64;
constexpr std::size_t kClosed = SIZE_MAX;  // no group is open
constexpr std::string_view kSpecial = R"(\.+*?()[]{}|^$)";

bool special(char c) { return kSpecial.find(c) != std::string_view::npos; }
std::size_t index(char c) { return static_cast<unsigned char>(c); }

}  // namespace

// Reads a pattern from left to right; each step is false where the pattern is no plain one.
class PlainRegexParser {
 public:
  using Item = PlainRegex::Item;
  using Before = PlainRegex::Before;

  PlainRegexParser(std::string_view pattern, PlainRegex& out) : pattern_(pattern), out_(out) {}

  bool run() {
    if (!read_before()) return false;
    std::size_t open = kClosed;
    while (at_ < pattern_.size()) {
      const char c = pattern_[at_];
      if (c == '$') {
        out_.to_end_ = true;
        return ++at_ == pattern_.size() && open == kClosed && split();
      }
      if (c == '(') {
        if (open != kClosed || next_is("(?")) return false;
        open = items_.size();
        ++at_;
      } else if (c == ')') {
        if (open == kClosed) return false;
        out_.groups_.push_back({open, items_.size(), false});
        open = kClosed;
        ++at_;
        if (at_ < pattern_.size() && quantifier(pattern_[at_])) return false;
      } else if (!read_item()) {
        return false;
      }
    }
    return open == kClosed && split();
  }

 private:
  static bool quantifier(char c) { return c == '*' || c == '+' || c == '?' || c == '{'; }
  bool next_is(std::string_view text) const { return pattern_.substr(at_, text.size()) == text; }

  // (x|^), where x is one character or a set of them, or ^.
  bool read_before() {
    if (next_is("^")) {
      out_.before_ = Before::kBegin;
      ++at_;
      return true;
    }
    const std::size_t end = pattern_.find("|^)");
    if (!next_is("(") || end == std::string_view::npos) return true;
    ++at_;
    Item item;
    if (!read_bytes(item) || at_ != end) return false;
    out_.before_ = Before::kByteOrBegin;
    out_.before_bytes_ = item.bytes;
    out_.groups_.push_back({0, 0, true});
    at_ = end + 3;
    return at_ == pattern_.size() || !quantifier(pattern_[at_]);
  }

  bool read_item() {
    Item item;
    if (!read_bytes(item)) return false;
    if (at_ < pattern_.size() && quantifier(pattern_[at_])) {
      const char c = pattern_[at_++];
      if (c != '*' && c != '+') return false;
      item.repeated = true;
      item.needed = c == '+';
      if (at_ < pattern_.size() && quantifier(pattern_[at_])) return false;
    } else if (item.bytes.test(0x80)) {
      return false;  // a character may be several bytes
    }
    items_.push_back(item);
    return items_.size() <= kItemsMax;
  }

  // One character of one byte, or a set: [a-z], [^&], a dot.
  bool read_bytes(Item& item) {
    const char c = pattern_[at_];
    if (c == '.') {
      item.bytes.set();
      ++at_;
      return true;
    }
    if (c == '[') return read_set(item);
    if (c == '\\') {
      if (at_ + 1 == pattern_.size() || !special(pattern_[at_ + 1])) return false;
      ++at_;
    } else if (special(c) || index(c) >= 0x80) {
      return false;
    }
    item.bytes.set(index(pattern_[at_++]));
    return true;
  }

  bool read_set(Item& item) {
    ++at_;
    const bool negated = next_is("^");
    if (negated) ++at_;
    const std::size_t first = at_;
    for (; at_ < pattern_.size() && (pattern_[at_] != ']' || at_ == first); ++at_) {
      const char c = pattern_[at_];
      if (c == '\\' || c == '[' || index(c) >= 0x80) return false;
      if (at_ + 2 < pattern_.size() && pattern_[at_ + 1] == '-' && pattern_[at_ + 2] != ']') {
        const char last = pattern_[at_ + 2];
        if (last == '\\' || last == '[' || index(last) >= 0x80) return false;
        for (std::size_t b = index(c); b <= index(last); ++b) item.bytes.set(b);
        at_ += 2;
      } else {
        item.bytes.set(index(c));
      }
    }
    if (at_ == pattern_.size()) return false;
    ++at_;
    if (negated) item.bytes.flip();
    return true;
  }

  // The first items that are one byte each are the text to look for.
  bool split() {
    std::size_t i = 0;
    for (; i < items_.size() && !items_[i].repeated && items_[i].bytes.count() == 1; ++i) {
      std::size_t byte = 0;
      while (!items_[i].bytes.test(byte)) ++byte;
      out_.text_ += static_cast<char>(byte);
    }
    out_.rest_.assign(items_.begin() + static_cast<std::ptrdiff_t>(i), items_.end());
    return out_.finish();
  }

  std::string_view pattern_;
  PlainRegex& out_;
  std::size_t at_ = 0;
  std::vector<Item> items_;
};

// Whether nothing is left to choose.
bool PlainRegex::finish() {
  if (text_.empty()) return false;
  // Two matches could begin at the first byte of all.
  if (before_ == Before::kByteOrBegin && (before_bytes_.test(index(text_[0])) || before_bytes_.test(0x80)))
    return false;
  for (std::size_t i = 0; i < rest_.size(); ++i) {
    if (!rest_[i].repeated) continue;
    for (std::size_t next = i + 1; next < rest_.size(); ++next) {
      if ((rest_[i].bytes & rest_[next].bytes).any()) return false;
      if (rest_[next].needed) break;
    }
  }
  return true;
}

std::optional<PlainRegex> PlainRegex::compile(std::string_view pattern) {
  PlainRegex regex;
  if (!PlainRegexParser(pattern, regex).run()) return std::nullopt;
  return regex;
}

// places[i]: where item i of the rest begins; one more: where the last ends.
bool PlainRegex::match_rest(std::string_view text, std::size_t at, std::size_t* places) const {
  for (const Item& item : rest_) {
    *places++ = at;
    const std::size_t begin = at;
    if (item.repeated) {
      while (at < text.size() && item.bytes.test(index(text[at]))) ++at;
      if (item.needed && at == begin) return false;
    } else {
      if (at == text.size() || !item.bytes.test(index(text[at]))) return false;
      ++at;
    }
  }
  *places = at;
  return !to_end_ || at == text.size();
}

std::size_t PlainRegex::place_of(std::size_t item, std::size_t found, const std::size_t* places) const {
  return item <= text_.size() ? found + item : places[item - text_.size()];
}

bool PlainRegex::find(std::string_view text, std::size_t from, std::span<std::string_view> groups) const {
  std::size_t places[kItemsMax + 1];
  for (std::size_t at = from; at < text.size(); ++at) {
    const void* hit = ::memmem(text.data() + at, text.size() - at, text_.data(), text_.size());
    if (hit == nullptr) return false;
    at = static_cast<std::size_t>(static_cast<const char*>(hit) - text.data());
    const bool behind_byte = before_ == Before::kByteOrBegin && at > from && before_bytes_.test(index(text[at - 1]));
    if (before_ == Before::kBegin && at != 0) return false;
    if (before_ == Before::kByteOrBegin && !behind_byte && at != 0) continue;
    if (!match_rest(text, at + text_.size(), places)) continue;
    if (groups.empty()) return true;
    const std::size_t begin = behind_byte ? at - 1 : at;
    groups[0] = text.substr(begin, places[rest_.size()] - begin);
    for (std::size_t g = 1; g < groups.size(); ++g) {
      const Group& group = groups_[g - 1];
      const std::size_t first = group.before ? begin : place_of(group.begin, at, places);
      const std::size_t last = group.before ? at : place_of(group.end, at, places);
      groups[g] = text.substr(first, last - first);
    }
    return true;
  }
  return false;
}

}  // namespace stream::expression
