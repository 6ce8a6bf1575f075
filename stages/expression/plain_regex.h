// PlainRegex: regular expressions that leave no choice: a text to look for, then sets of characters one after the
// other, as in (&|^)id=([^&]*). Where the text stands the match is decided byte by byte, much faster than by an
// automaton.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace stream::expression {

class PlainRegex {
 public:
  // nullopt for a pattern that is more than that. `pattern` is valid for RE2, and has no flags.
  static std::optional<PlainRegex> compile(std::string_view pattern);

  // The first match that begins at or behind `from`, as RE2 finds it with longest_match: groups[0] is all of it. False
  // if there is none. At most as many groups as the pattern has, and one.
  bool find(std::string_view text, std::size_t from, std::span<std::string_view> groups) const;

 private:
  friend class PlainRegexParser;
  using Bytes = std::bitset<256>;
  // What may stand before the text.
  enum class Before : std::uint8_t { kNothing, kBegin, kByteOrBegin };
  struct Item {
    Bytes bytes;
    bool repeated = false;  // as many as there are
    bool needed = true;     // at least one
  };
  struct Group {
    std::size_t begin = 0;  // number of the first of its items; the text's bytes are items, too
    std::size_t end = 0;
    bool before = false;  // what stands before the text, instead
  };

  bool finish();
  bool match_rest(std::string_view text, std::size_t at, std::size_t* places) const;
  std::size_t place_of(std::size_t item, std::size_t found, const std::size_t* places) const;

  Before before_ = Before::kNothing;
  Bytes before_bytes_;
  std::string text_;
  std::vector<Item> rest_;  // behind the text
  bool to_end_ = false;     // then the end of all must follow
  std::vector<Group> groups_;
};

}  // namespace stream::expression
