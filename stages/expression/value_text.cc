#include "stages/expression/value_text.h"

#include <charconv>
#include <cmath>

#include "transport/base/text.h"

namespace stream::expression {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string_view without_blanks(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\n\r\f\v";
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

constexpr char kInvalidBlob[] = "invalid text for BLOB";

const char* parse_hex_blob(std::string_view hex, Text& out) {
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    if (hex[i] == ' ' || hex[i] == '\n' || hex[i] == '\t') {
      --i;
      continue;
    }
    if (i + 1 >= hex.size() || hex_digit(hex[i]) < 0 || hex_digit(hex[i + 1]) < 0) return kInvalidBlob;
    out.append(static_cast<char>(hex_digit(hex[i]) * 16 + hex_digit(hex[i + 1])));
  }
  return nullptr;
}

}  // namespace

const char* parse_boolean(std::string_view text, std::uint8_t& out) {
  const std::string word = lower(without_blanks(text));
  const auto abbreviates = [&](std::string_view whole, std::size_t least) {
    return word.size() >= least && whole.starts_with(word);
  };
  if (abbreviates("true", 1) || abbreviates("yes", 1) || word == "on" || word == "1") {
    out = 1;
  } else if (abbreviates("false", 1) || abbreviates("no", 1) || abbreviates("off", 2) || word == "0") {
    out = 0;
  } else {
    return "invalid text for BOOLEAN";
  }
  return nullptr;
}

const char* parse_bigint(std::string_view text, std::int64_t& out) {
  text = without_blanks(text);
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (code == std::errc::result_out_of_range && end == text.data() + text.size()) return "bigint out of range";
  return code == std::errc() && end == text.data() + text.size() ? nullptr : "invalid text for BIGINT";
}

const char* parse_double(std::string_view text, double& out) {
  text = without_blanks(text);
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (end != text.data() + text.size() || end == text.data()) return "invalid text for DOUBLE";
  return code == std::errc() ? nullptr : "double out of range";
}

const char* parse_blob(std::string_view text, Text& out) {
  if (text.starts_with("\\x")) return parse_hex_blob(text.substr(2), out);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out.append(text[i]);
    } else if (i + 1 < text.size() && text[i + 1] == '\\') {
      out.append('\\');
      ++i;
    } else if (i + 3 < text.size() && text[i + 1] >= '0' && text[i + 1] <= '3' && text[i + 2] >= '0' &&
               text[i + 2] <= '7' && text[i + 3] >= '0' && text[i + 3] <= '7') {
      out.append(static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0')));
      i += 3;
    } else {
      return kInvalidBlob;
    }
  }
  return nullptr;
}

std::string format_double(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
  if (value == 0) return std::signbit(value) ? "-0" : "0";
  char text[64];
  const auto end = std::to_chars(text, text + sizeof text, value, std::chars_format::scientific).ptr;
  const std::string scientific(text, end);
  const std::size_t e = scientific.find('e');
  const int exponent = std::stoi(scientific.substr(e + 1));
  if (exponent < -4 || exponent >= 15) return scientific;
  const auto fixed_end = std::to_chars(text, text + sizeof text, value, std::chars_format::fixed).ptr;
  return {text, fixed_end};
}

std::string format_blob(std::string_view bytes) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string out = "\\x";
  out.reserve(2 + bytes.size() * 2);
  for (const char c : bytes) {
    out += kHex[static_cast<unsigned char>(c) >> 4];
    out += kHex[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

}  // namespace stream::expression
