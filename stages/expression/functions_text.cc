#include <algorithm>

#include "stages/expression/functions.h"
#include "stages/expression/kernel.h"
#include "stages/expression/utf8.h"

namespace stream::expression {
namespace {

using std::int64_t;
using Bytes = std::string_view;

constexpr CallTraits kTotal{.total = true, .cost = 15};
constexpr CallTraits kSlow{.cost = 60};
constexpr CallTraits kSlowTotal{.total = true, .cost = 60};

// A set of characters to trim by.
struct Set {
  Bytes characters;
  bool has(Bytes one) const {
    for (std::size_t i = 0; i < characters.size();) {
      const std::size_t length = utf8_length(characters, i);
      if (characters.substr(i, length) == one) return true;
      i += length;
    }
    return false;
  }
};

Bytes trim_left(Bytes text, Bytes characters) {
  while (!text.empty()) {
    const std::size_t length = utf8_length(text, 0);
    if (!Set{characters}.has(text.substr(0, length))) break;
    text.remove_prefix(length);
  }
  return text;
}

Bytes trim_right(Bytes text, Bytes characters) {
  while (!text.empty()) {
    std::size_t begin = text.size() - 1;
    while (begin > 0 && (static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80) --begin;
    if (!Set{characters}.has(text.substr(begin))) break;
    text = text.substr(0, begin);
  }
  return text;
}

template <class F>
Kernel text_of(F f) {
  return map_checked<Text, Bytes>([f](Bytes text, Text& out) -> const char* {
    out.append(f(text));
    return nullptr;
  });
}

// Letters of one byte are changed in place, others by the table of all letters.
template <std::string (*kFold)(Bytes), char kFirst, char kLast>
const char* fold(Bytes text, Text& out) {
  if (!is_ascii(text)) {
    out.append(kFold(text));
    return nullptr;
  }
  const std::size_t before = out.size();
  out.append(text);
  if (out.too_long()) return nullptr;
  char* const bytes = out.data() + before;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (bytes[i] >= kFirst && bytes[i] <= kLast) bytes[i] ^= 0x20;
  }
  return nullptr;
}

// Where all texts of a column are of letters of one byte, no text gets longer: the bytes change all at once.
template <std::string (*kFold)(Bytes), char kFirst, char kLast>
Column fold_column(const Call& call, std::span<const Value> arguments) {
  const Column& column = arguments[0].column;
  const std::size_t size = column.values_buffer().size();
  const auto* from = column.values_buffer().data();
  if (column.size() != call.rows || !is_ascii({column.values_buffer().as<char>(), size})) {
    return run_text<Bytes>(fold<kFold, kFirst, kLast>, call, arguments, std::index_sequence<0>());
  }
  ByteBuilder bytes;
  std::uint8_t* to = bytes.extend(size);
  for (std::size_t i = 0; i < size; ++i) {
    to[i] = from[i] ^ static_cast<std::uint8_t>(from[i] >= kFirst && from[i] <= kLast ? 0x20 : 0);
  }
  return {call.type, call.rows, column.validity_buffer(), bytes.finish(), column.offsets_buffer()};
}

template <class F>
Kernel text_of_two(F f) {
  return map_checked<Text, Bytes, Bytes>([f](Bytes a, Bytes b, Text& out) -> const char* {
    out.append(f(a, b));
    return nullptr;
  });
}

void add_trims(Functions& f) {
  const auto both = [](Bytes text, Bytes set) { return trim_right(trim_left(text, set), set); };
  f.add("ltrim", "t", kVarchar, text_of([](Bytes text) { return trim_left(text, " "); }), kTotal);
  f.add("rtrim", "t", kVarchar, text_of([](Bytes text) { return trim_right(text, " "); }), kTotal);
  f.add("btrim", "t", kVarchar, text_of([both](Bytes text) { return both(text, " "); }), kTotal);
  f.add("trim", "t", kVarchar, text_of([both](Bytes text) { return both(text, " "); }), kTotal);
  f.add("ltrim", "tt", kVarchar, text_of_two(trim_left), kTotal);
  f.add("rtrim", "tt", kVarchar, text_of_two(trim_right), kTotal);
  f.add("btrim", "tt", kVarchar, text_of_two(both), kTotal);
}

// Characters [first, first + count), 1-based; positions before 1 count but hold nothing.
const char* substring(Bytes text, int64_t first, int64_t count, Text& out) {
  if (count < 0) return "negative substring length";
  int64_t end = 0;
  if (__builtin_add_overflow(first, count, &end)) end = INT64_MAX;
  first = std::max<int64_t>(first, 1);
  if (end <= first) return nullptr;
  const std::size_t begin = utf8_skip(text, static_cast<std::size_t>(first - 1));
  text.remove_prefix(begin);
  out.append(text.substr(0, utf8_skip(text, static_cast<std::size_t>(end - first))));
  return nullptr;
}

const char* substring_blob(Bytes bytes, int64_t first, int64_t count, Text& out) {
  if (count < 0) return "negative substring length";
  int64_t end = 0;
  if (__builtin_add_overflow(first, count, &end)) end = INT64_MAX;
  first = std::max<int64_t>(first, 1);
  if (end <= first || first > static_cast<int64_t>(bytes.size())) return nullptr;
  out.append(bytes.substr(static_cast<std::size_t>(first - 1), static_cast<std::size_t>(end - first)));
  return nullptr;
}

// How many characters a signed count leaves: negative counts from the other end.
std::size_t signed_count(Bytes text, int64_t count) {
  if (count >= 0) return static_cast<std::size_t>(count);
  const auto total = static_cast<int64_t>(utf8_count(text));
  return count <= -total ? 0 : static_cast<std::size_t>(total + count);
}

const char* left(Bytes text, int64_t count, Text& out) {
  out.append(text.substr(0, utf8_skip(text, signed_count(text, count))));
  return nullptr;
}

const char* right(Bytes text, int64_t count, Text& out) {
  const std::size_t keep = signed_count(text, count);
  const std::size_t total = utf8_count(text);
  out.append(keep >= total ? text : text.substr(utf8_skip(text, total - keep)));
  return nullptr;
}

void append_padding(Bytes fill, int64_t characters, Text& out) {
  std::size_t at = 0;
  for (; characters > 0 && !out.too_long(); --characters) {
    const std::size_t length = utf8_length(fill, at);
    out.append(fill.substr(at, length));
    at = at + length >= fill.size() ? 0 : at + length;
  }
}

template <bool kLeft>
const char* pad(Bytes text, int64_t width, Bytes fill, Text& out) {
  const auto have = static_cast<int64_t>(utf8_count(text));
  width = std::max<int64_t>(width, 0);
  if (have >= width || fill.empty()) {
    out.append(text.substr(0, utf8_skip(text, static_cast<std::size_t>(width))));
    return nullptr;
  }
  if (width > static_cast<int64_t>(kTextBytesMax)) return "text too long";
  if (!kLeft) out.append(text);
  append_padding(fill, width - have, out);
  if (kLeft) out.append(text);
  return nullptr;
}

const char* repeat(Bytes text, int64_t count, Text& out) {
  if (text.empty() || count <= 0) return nullptr;
  if (count > static_cast<int64_t>(kTextBytesMax / text.size())) return "text too long";
  for (; count > 0; --count) out.append(text);
  return nullptr;
}

std::string reversed(Bytes text) {
  if (is_ascii(text)) return {text.rbegin(), text.rend()};
  std::string out(text.size(), '\0');
  std::size_t end = text.size();
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = utf8_length(text, i);
    end -= length;
    text.copy(out.data() + end, length, i);
    i += length;
  }
  return out;
}

const char* chr(int64_t code, Text& out) {
  if (code == 0) return "a zero character is not allowed";
  if (code < 0 || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) return "no character has this code";
  std::string text;
  utf8_encode(static_cast<std::uint32_t>(code), text);
  out.append(text);
  return nullptr;
}

const char* translate(Bytes text, Bytes from, Bytes to, Text& out) {
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = utf8_length(text, i);
    const Bytes one = text.substr(i, length);
    i += length;
    std::size_t position = 0;
    std::size_t at = 0;
    while (at < from.size() && from.substr(at, utf8_length(from, at)) != one) {
      at += utf8_length(from, at);
      ++position;
    }
    if (at >= from.size()) {
      out.append(one);
      continue;
    }
    const std::size_t target = utf8_skip(to, position);
    if (target < to.size()) out.append(to.substr(target, utf8_length(to, target)));
  }
  return nullptr;
}

const char* overlay(Bytes text, Bytes with, int64_t first, int64_t count, Text& out) {
  if (first <= 0) return "negative substring length";
  int64_t behind = 0;
  if (__builtin_add_overflow(first, count, &behind)) return "bigint out of range";
  out.append(text.substr(0, utf8_skip(text, static_cast<std::size_t>(first - 1))));
  out.append(with);
  const std::size_t rest = behind < 1 ? 0 : utf8_skip(text, static_cast<std::size_t>(behind - 1));
  out.append(text.substr(rest));
  return nullptr;
}

void add_cuts(Functions& f) {
  for (const char* name : {"substring", "substr"}) {
    f.add(name, "tii", kVarchar, map_checked<Text, Bytes, int64_t, int64_t>(substring), kSlow);
    f.add(name, "ti", kVarchar, map_checked<Text, Bytes, int64_t>([](Bytes text, int64_t first, Text& out) {
            return substring(text, first, INT64_MAX, out);
          }),
          kSlowTotal);
    f.add(name, "xii", kBlob, map_checked<Text, Bytes, int64_t, int64_t>(substring_blob), kSlow);
    f.add(name, "xi", kBlob, map_checked<Text, Bytes, int64_t>([](Bytes bytes, int64_t first, Text& out) {
            return substring_blob(bytes, first, INT64_MAX, out);
          }),
          kSlowTotal);
  }
  f.add("left", "ti", kVarchar, map_checked<Text, Bytes, int64_t>(left), kSlowTotal);
  f.add("right", "ti", kVarchar, map_checked<Text, Bytes, int64_t>(right), kSlowTotal);
  f.add("lpad", "tit", kVarchar, map_checked<Text, Bytes, int64_t, Bytes>(pad<true>), kSlow);
  f.add("rpad", "tit", kVarchar, map_checked<Text, Bytes, int64_t, Bytes>(pad<false>), kSlow);
  f.add("lpad", "ti", kVarchar, map_checked<Text, Bytes, int64_t>([](Bytes text, int64_t width, Text& out) {
          return pad<true>(text, width, " ", out);
        }),
        kSlow);
  f.add("rpad", "ti", kVarchar, map_checked<Text, Bytes, int64_t>([](Bytes text, int64_t width, Text& out) {
          return pad<false>(text, width, " ", out);
        }),
        kSlow);
  f.add("overlay", "ttii", kVarchar, map_checked<Text, Bytes, Bytes, int64_t, int64_t>(overlay), kSlow);
  f.add("overlay", "tti", kVarchar,
        map_checked<Text, Bytes, Bytes, int64_t>([](Bytes text, Bytes with, int64_t first, Text& out) {
          return overlay(text, with, first, static_cast<int64_t>(utf8_count(with)), out);
        }),
        kSlow);
}

void add_lengths(Functions& f) {
  for (const char* name : {"length", "char_length", "character_length"}) {
    f.add_rewritten(name, "t", kBigint, map<int64_t, Bytes>([](Bytes text) { return utf8_count(text); }), kTotal,
                    make_replaced_length);
  }
  f.add("length", "x", kBigint, map<int64_t, Bytes>([](Bytes bytes) { return bytes.size(); }), kTotal);
  for (const char* parameter : {"t", "x"}) {
    f.add("octet_length", parameter, kBigint, map<int64_t, Bytes>([](Bytes bytes) { return bytes.size(); }), kTotal);
    f.add("bit_length", parameter, kBigint, map<int64_t, Bytes>([](Bytes bytes) { return bytes.size() * 8; }), kTotal);
  }
  f.add("ascii", "t", kBigint, map<int64_t, Bytes>([](Bytes text) { return text.empty() ? 0 : utf8_decode(text, 0); }),
        kTotal);
}

}  // namespace

void add_text_functions(Functions& f) {
  add_trims(f);
  add_cuts(f);
  add_lengths(f);
  f.add("lower", "t", kVarchar, fold_column<lower_utf8, 'A', 'Z'>, kSlowTotal);
  f.add("upper", "t", kVarchar, fold_column<upper_utf8, 'a', 'z'>, kSlowTotal);
  f.add("initcap", "t", kVarchar, text_of(title_utf8), kSlowTotal);
  f.add("reverse", "t", kVarchar, text_of(reversed), kSlowTotal);
  f.add("repeat", "ti", kVarchar, map_checked<Text, Bytes, int64_t>(repeat), kSlow);
  f.add("chr", "i", kVarchar, map_checked<Text, int64_t>(chr), kSlow);
  f.add("translate", "ttt", kVarchar, map_checked<Text, Bytes, Bytes, Bytes>(translate), kSlowTotal);
  for (const char* parameters : {"tt", "xx"}) {
    f.add("||", parameters, parameters[0] == 't' ? kVarchar : kBlob,
          map_checked<Text, Bytes, Bytes>([](Bytes a, Bytes b, Text& out) -> const char* {
            out.append(a);
            out.append(b);
            return nullptr;
          }),
          {.cost = 20});
  }
}

namespace {

// What concat and concat_ws share: the texts that are not NULL, with something between them.
Column joined(const Call& call, std::span<const Value> texts, const Value* separator) {
  ColumnBuilder builder(call.type, call.rows);
  std::string row;
  for (std::size_t i = 0; i < call.rows; ++i) {
    row.clear();
    if (separator != nullptr && !separator->valid(i)) {
      builder.append_null();
      continue;
    }
    bool first = true;
    for (const Value& text : texts) {
      if (!text.valid(i)) continue;
      if (!first && separator != nullptr) row += separator->column.bytes(separator->row(i));
      row += text.column.bytes(text.row(i));
      first = false;
    }
    if (row.size() > kTextBytesMax || builder.size_bytes() + row.size() > kColumnBytesMax) {
      call.errors->set(i, "text too long");
      builder.append_null();
    } else {
      builder.append_bytes(row);
    }
  }
  return builder.finish();
}

}  // namespace

NodePtr make_concat(std::vector<NodePtr> texts) {
  return make_call(kVarchar, std::move(texts),
                   [](const Call& call, std::span<const Value> values) { return joined(call, values, nullptr); },
                   {.strict = false, .cost = 40});
}

NodePtr make_concat_ws(std::vector<NodePtr> separator_and_texts) {
  return make_call(
      kVarchar, std::move(separator_and_texts),
      [](const Call& call, std::span<const Value> values) { return joined(call, values.subspan(1), &values[0]); },
      {.strict = false, .cost = 40});
}

}  // namespace stream::expression
