#include <emmintrin.h>

#include <algorithm>
#include <bit>

#include "stages/expression/functions.h"
#include "stages/expression/kernel.h"
#include "stages/expression/utf8.h"

namespace stream::expression {
namespace {

using std::int64_t;
using Bytes = std::string_view;

int64_t position(Bytes text, Bytes part) {
  const std::size_t at = text.find(part);
  return at == Bytes::npos ? 0 : static_cast<int64_t>(utf8_count(text.substr(0, at))) + 1;
}

const char* replace(Bytes text, Bytes from, Bytes to, Text& out) {
  if (from.empty()) {
    out.append(text);
    return nullptr;
  }
  for (;;) {
    const std::size_t at = text.find(from);
    out.append(text.substr(0, at));
    if (at == Bytes::npos) return nullptr;
    out.append(to);
    text.remove_prefix(at + from.size());
  }
}

int64_t count_parts(Bytes text, Bytes separator) {
  int64_t count = 1;
  for (std::size_t at = text.find(separator); at != Bytes::npos; at = text.find(separator, at + separator.size()))
    ++count;
  return count;
}

// Which of the 16 bytes from `at` on are `c`, as bits. There are bytes behind `at`.
unsigned bits_equal(Bytes text, std::size_t at, char c) {
  const auto bits = [c](const char* bytes) {
    const __m128i loaded = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes));
    return static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(loaded, _mm_set1_epi8(c))));
  };
  const std::size_t left = text.size() - at;
  if (left >= 16) return bits(text.data() + at);
  // Those that end with the text, without what is before `at`.
  if (text.size() >= 16) return bits(text.data() + text.size() - 16) >> (16 - left);
  char few[16];
  copy_short(few, text.data(), text.size());
  return (bits(few) & ((1U << text.size()) - 1)) >> at;
}

// The same of 64 bytes, as far as there are any.
std::uint64_t many_equal(Bytes text, std::size_t at, char c) {
  const std::size_t end = std::min(text.size(), at + 64);
  std::uint64_t bits = 0;
  for (std::size_t i = at; i < end; i += 16) bits |= std::uint64_t{bits_equal(text, i, c)} << (i - at);
  return bits;
}

// Rows differ in where their separators stand, but all want the same part: what is repeated is as often for each.
Bytes part_of(Bytes text, char separator, std::size_t index) {
  std::size_t begin = 0;
  for (std::size_t at = 0; at < text.size(); at += 64) {
    std::uint64_t bits = many_equal(text, at, separator);
    const auto count = static_cast<std::size_t>(std::popcount(bits));
    if (count >= index) {
      for (; index > 1; --index, bits &= bits - 1) begin = at + static_cast<std::size_t>(std::countr_zero(bits)) + 1;
      return text.substr(begin, at + static_cast<std::size_t>(std::countr_zero(bits)) - begin);
    }
    if (count != 0) begin = at + static_cast<std::size_t>(std::bit_width(bits));
    index -= count;
  }
  return index == 1 ? text.substr(begin) : Bytes();
}

const char* split_part(Bytes text, Bytes separator, int64_t index, Text& out) {
  if (index == 0) return "split_part counts from 1 or -1, not 0";
  if (text.empty()) return nullptr;
  if (separator.empty()) {
    if (index == 1 || index == -1) out.append(text);
    return nullptr;
  }
  if (index < 0) index += count_parts(text, separator) + 1;
  if (index < 1) return nullptr;
  if (separator.size() == 1) {
    out.append(part_of(text, separator[0], static_cast<std::size_t>(index)));
    return nullptr;
  }
  for (;;) {
    const std::size_t at = text.find(separator);
    if (index == 1) {
      out.append(text.substr(0, at));
      return nullptr;
    }
    if (at == Bytes::npos) return nullptr;
    text.remove_prefix(at + separator.size());
    --index;
  }
}

int64_t occurrences(Bytes text, Bytes part) {
  int64_t count = 0;
  if (part.size() == 1) {
    for (const char c : text) count += c == part[0];
    return count;
  }
  for (std::size_t at = text.find(part); at != Bytes::npos; at = text.find(part, at + part.size())) ++count;
  return count;
}

}  // namespace

NodePtr make_replaced_length(std::span<const NodePtr> arguments) {
  const Node& replaced = *arguments[0];
  std::string from;
  std::string to;
  if (replaced.kind() != CallKind::kReplace || literal_text(*replaced.arguments()[1], &from) == nullptr ||
      literal_text(*replaced.arguments()[2], &to) == nullptr || from.empty())
    return nullptr;
  const auto more_bytes = static_cast<int64_t>(to.size()) - static_cast<int64_t>(from.size());
  const auto more = static_cast<int64_t>(utf8_count(to)) - static_cast<int64_t>(utf8_count(from));
  return make_call(kBigint, {replaced.arguments()[0]},
                   map_checked<int64_t, Bytes>([=](Bytes text, int64_t& out) -> const char* {
                     const int64_t times = occurrences(text, from);
                     if (static_cast<int64_t>(text.size()) + times * more_bytes > int64_t{kTextBytesMax})
                       return "text too long";
                     out = static_cast<int64_t>(utf8_count(text)) + times * more;
                     return nullptr;
                   }),
                   {.cost = 20});
}

void add_text_search_functions(Functions& f) {
  const CallTraits total{.total = true, .cost = 30};
  f.add("strpos", "tt", kBigint, map<int64_t, Bytes, Bytes>(position), total);
  f.add("position", "tt", kBigint, map<int64_t, Bytes, Bytes>(position), total);
  f.add("starts_with", "tt", kBoolean,
        map<std::uint8_t, Bytes, Bytes>([](Bytes a, Bytes b) { return a.starts_with(b); }), total);
  f.add("replace", "ttt", kVarchar, map_checked<Text, Bytes, Bytes, Bytes>(replace),
        {.cost = 60, .kind = CallKind::kReplace});
  f.add("split_part", "tti", kVarchar, map_checked<Text, Bytes, Bytes, int64_t>(split_part), {.cost = 60});
}

}  // namespace stream::expression
