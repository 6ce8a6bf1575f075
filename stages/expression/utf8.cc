#include "stages/expression/utf8.h"

#include <locale.h>
#include <wctype.h>

#include <algorithm>
#include <cstring>

namespace stream::expression {
namespace {

bool continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

locale_t utf8_locale() {
  static const locale_t instance = newlocale(LC_CTYPE_MASK, "C.UTF-8", static_cast<locale_t>(nullptr));
  return instance;
}

std::uint32_t fold(std::uint32_t point, bool upper) {
  const locale_t locale = utf8_locale();
  if (locale == static_cast<locale_t>(nullptr)) return point;
  return static_cast<std::uint32_t>(upper ? towupper_l(static_cast<wint_t>(point), locale)
                                          : towlower_l(static_cast<wint_t>(point), locale));
}

bool letter_or_digit(std::uint32_t point) {
  if (point < 0x80) {
    return (point >= 'a' && point <= 'z') || (point >= 'A' && point <= 'Z') || (point >= '0' && point <= '9');
  }
  const locale_t locale = utf8_locale();
  return locale != static_cast<locale_t>(nullptr) && iswalnum_l(static_cast<wint_t>(point), locale) != 0;
}

char fold_ascii(char c, bool upper) {
  if (upper && c >= 'a' && c <= 'z') return static_cast<char>(c - 32);
  if (!upper && c >= 'A' && c <= 'Z') return static_cast<char>(c + 32);
  return c;
}

void append_folded(std::string_view text, std::size_t at, std::size_t length, bool upper, std::string& out) {
  if (length == 1) {
    out += fold_ascii(text[at], upper);
  } else {
    utf8_encode(fold(utf8_decode(text, at), upper), out);
  }
}

std::string folded(std::string_view text, bool upper) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = utf8_length(text, i);
    append_folded(text, i, length, upper, out);
    i += length;
  }
  return out;
}

}  // namespace

std::size_t utf8_length(std::string_view text, std::size_t at) {
  const auto c = static_cast<unsigned char>(text[at]);
  const std::size_t length = c < 0xC2 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : c < 0xF5 ? 4 : 1;
  if (at + length > text.size()) return 1;
  for (std::size_t i = 1; i < length; ++i) {
    if (!continuation(text[at + i])) return 1;
  }
  return length;
}

// Eight bytes at a time, the last of them perhaps twice.
bool is_ascii(std::string_view text) {
  constexpr std::uint64_t kHigh = 0x8080808080808080ULL;
  const auto eight = [&](std::size_t at) {
    std::uint64_t word;
    std::memcpy(&word, text.data() + at, sizeof word);
    return word;
  };
  if (text.size() < 8) return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  std::uint64_t all = eight(text.size() - 8);
  for (std::size_t at = 0; at + 8 < text.size(); at += 8) all |= eight(at);
  return (all & kHigh) == 0;
}

std::size_t utf8_count(std::string_view text) {
  if (is_ascii(text)) return text.size();
  std::size_t count = 0;
  for (std::size_t i = 0; i < text.size(); i += utf8_length(text, i)) ++count;
  return count;
}

std::size_t utf8_skip(std::string_view text, std::size_t count) {
  std::size_t i = 0;
  for (; count > 0 && i < text.size(); --count) i += utf8_length(text, i);
  return i;
}

std::uint32_t utf8_decode(std::string_view text, std::size_t at) {
  const std::size_t length = utf8_length(text, at);
  const auto c = static_cast<unsigned char>(text[at]);
  if (length == 1) return c;
  std::uint32_t point = c & (0xFFU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) point = (point << 6) | (static_cast<unsigned char>(text[at + i]) & 0x3F);
  return point;
}

void utf8_encode(std::uint32_t point, std::string& out) {
  const auto tail = [&](int shift) { out += static_cast<char>(0x80 | ((point >> shift) & 0x3F)); };
  if (point < 0x80) {
    out += static_cast<char>(point);
  } else if (point < 0x800) {
    out += static_cast<char>(0xC0 | (point >> 6));
    tail(0);
  } else if (point < 0x10000) {
    out += static_cast<char>(0xE0 | (point >> 12));
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xF0 | (point >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
}

std::string lower_utf8(std::string_view text) { return folded(text, false); }
std::string upper_utf8(std::string_view text) { return folded(text, true); }

std::string title_utf8(std::string_view text) {
  std::string out;
  bool inside = false;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = utf8_length(text, i);
    append_folded(text, i, length, !inside, out);
    inside = letter_or_digit(utf8_decode(text, i));
    i += length;
  }
  return out;
}

}  // namespace stream::expression
