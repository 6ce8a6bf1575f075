#include "compare/result_value.h"

#include <bit>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "snapshot/sql_value.h"

namespace stream {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

// What the bytes of a value begin with.
enum class Tag : char { kNull = 0, kFalse, kTrue, kNumber, kText, kBlob, kJson };

constexpr std::uint64_t kSign = std::uint64_t{1} << 63;
constexpr double kTwoTo63 = 9223372036854775808.0;

void append_big_endian(std::string& to, std::uint64_t bits) {
  for (int shift = 56; shift >= 0; shift -= 8) to += static_cast<char>(bits >> shift);
}

std::uint64_t read_big_endian(std::string_view& from) {
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < 8; ++i) bits = bits << 8 | static_cast<unsigned char>(from[i]);
  from.remove_prefix(8);
  return bits;
}

// Unsigned integers in the order of the numbers.
std::uint64_t ordered_bits(double value) {
  const auto bits = std::bit_cast<std::uint64_t>(value == 0 ? 0.0 : value);
  return (bits & kSign) != 0 ? ~bits : bits | kSign;
}

double from_ordered_bits(std::uint64_t bits) {
  return std::bit_cast<double>((bits & kSign) != 0 ? bits & ~kSign : ~bits);
}

bool integral(double value) { return std::trunc(value) == value && value >= -kTwoTo63 && value < kTwoTo63; }

// First as a real, which large integers share; then the integer.
void append_number(std::string& to, const ResultValue& value) {
  const double real = value.as_real();
  std::int64_t rest = value.integer;
  if (value.kind == ResultKind::kReal) rest = integral(real) ? static_cast<std::int64_t>(real) : 0;
  append_big_endian(to, ordered_bits(real));
  append_big_endian(to, static_cast<std::uint64_t>(rest) ^ kSign);
}

ResultValue read_number(std::string_view& from) {
  const double real = from_ordered_bits(read_big_endian(from));
  const auto rest = static_cast<std::int64_t>(read_big_endian(from) ^ kSign);
  // Integers next to 2^63 are 2^63 as a real, and no real that is stored.
  return integral(real) || rest != 0 ? integer_value(rest) : real_value(real);
}

// A zero byte stands as 0 255, so that the end, 0 0, is found and sorts first.
void append_text(std::string& to, std::string_view text) {
  for (const char c : text) {
    to += c;
    if (c == '\0') to += '\xff';
  }
  to.append(2, '\0');
}

std::string read_text(std::string_view& from) {
  std::string text;
  std::size_t i = 0;
  for (; from[i] != '\0' || from[i + 1] != '\0'; ++i) {
    text += from[i];
    if (from[i] == '\0') ++i;
  }
  from.remove_prefix(i + 2);
  return text;
}

Tag tag_of(const ResultValue& value) {
  switch (value.kind) {
    case ResultKind::kNull: return Tag::kNull;
    case ResultKind::kBoolean: return value.integer != 0 ? Tag::kTrue : Tag::kFalse;
    case ResultKind::kInteger:
    case ResultKind::kReal: return Tag::kNumber;
    case ResultKind::kText: return Tag::kText;
    case ResultKind::kBlob: return Tag::kBlob;
    case ResultKind::kJson: return Tag::kJson;
  }
  return Tag::kNull;
}

// Whether it is written as numbers are: not 007, +1 or 1e.
bool number_like(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  if (text.empty() || text[0] < '0' || text[0] > '9') return false;
  return text[0] != '0' || text.size() == 1 || text[1] == '.' || text[1] == 'e' || text[1] == 'E';
}

template <class T>
bool read_whole(std::string_view text, T& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

ResultValue loose_text(std::string text) {
  if (text.empty()) return {};
  if (text == "true" || text == "false") return integer_value(text == "true" ? 1 : 0);
  std::int64_t integer = 0;
  double real = 0;
  if (!number_like(text)) return text_value(std::move(text));
  if (read_whole(text, integer)) return integer_value(integer);
  if (read_whole(text, real) && std::isfinite(real)) return real_value(real);
  return text_value(std::move(text));
}

}  // namespace

ResultValue integer_value(std::int64_t value) { return {.kind = ResultKind::kInteger, .integer = value}; }
ResultValue real_value(double value) { return {.kind = ResultKind::kReal, .real = value}; }
ResultValue text_value(std::string text) { return {.kind = ResultKind::kText, .text = std::move(text)}; }
ResultValue boolean_value(bool value) { return {.kind = ResultKind::kBoolean, .integer = value ? 1 : 0}; }

ResultValue json_value(const json& value) {
  switch (value.type()) {
    case json::value_t::boolean: return boolean_value(value.get<bool>());
    case json::value_t::number_integer: return integer_value(value.get<std::int64_t>());
    case json::value_t::number_unsigned: {
      const auto number = value.get<std::uint64_t>();
      return number <= INT64_MAX ? integer_value(static_cast<std::int64_t>(number)) : text_value(value.dump());
    }
    case json::value_t::number_float: return real_value(value.get<double>());
    case json::value_t::string: return text_value(value.get<std::string>());
    case json::value_t::array:
    case json::value_t::object: return {.kind = ResultKind::kJson, .text = value.dump()};
    default: return {};
  }
}

void append_value(std::string& to, const ResultValue& value) {
  to += static_cast<char>(tag_of(value));
  if (value.number())
    append_number(to, value);
  else if (value.kind == ResultKind::kText || value.kind == ResultKind::kBlob || value.kind == ResultKind::kJson)
    append_text(to, value.text);
}

ResultValue read_value(std::string_view& from) {
  const auto tag = static_cast<Tag>(from[0]);
  from.remove_prefix(1);
  switch (tag) {
    case Tag::kNull: return {};
    case Tag::kFalse: return boolean_value(false);
    case Tag::kTrue: return boolean_value(true);
    case Tag::kNumber: return read_number(from);
    case Tag::kText: return text_value(read_text(from));
    case Tag::kBlob: return {.kind = ResultKind::kBlob, .text = read_text(from)};
    case Tag::kJson: return {.kind = ResultKind::kJson, .text = read_text(from)};
  }
  return {};
}

bool same(const ResultValue& a, const ResultValue& b) {
  std::string left;
  std::string right;
  append_value(left, a);
  append_value(right, b);
  return left == right;
}

bool about_same(const ResultValue& a, const ResultValue& b, double tolerance) {
  if (a.number() && b.number() && std::abs(a.as_real() - b.as_real()) <= tolerance) return true;
  return same(a, b);
}

ResultValue loosened(ResultValue value) {
  if (value.kind == ResultKind::kBoolean) return integer_value(value.integer);
  if (value.kind == ResultKind::kJson) return text_value(std::move(value.text));
  if (value.kind != ResultKind::kText) return value;
  if (value.text.starts_with('{') || value.text.starts_with('[')) {
    const json parsed = json::parse(value.text, nullptr, false);
    return parsed.is_discarded() ? value : text_value(parsed.dump());
  }
  return loose_text(std::move(value.text));
}

std::string shown(const ResultValue& value) {
  switch (value.kind) {
    case ResultKind::kNull: return "NULL";
    case ResultKind::kBoolean: return value.integer != 0 ? "true" : "false";
    case ResultKind::kInteger: return std::to_string(value.integer);
    case ResultKind::kReal: return real_text(value.real);
    case ResultKind::kBlob: return hex_text(value.text);
    case ResultKind::kText:
    case ResultKind::kJson: break;
  }
  std::string text = value.text;
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = ' ';  // would move a terminal's cursor
  }
  return text;
}

ordered_json to_json(const ResultValue& value) {
  switch (value.kind) {
    case ResultKind::kNull: return nullptr;
    case ResultKind::kBoolean: return value.integer != 0;
    case ResultKind::kInteger: return value.integer;
    case ResultKind::kReal: return value.real;
    case ResultKind::kText: return value.text;
    case ResultKind::kBlob: return hex_text(value.text);
    case ResultKind::kJson: return ordered_json::parse(value.text, nullptr, false);
  }
  return nullptr;
}

}  // namespace stream
