#include "snapshot/given_text.h"

#include <array>
#include <charconv>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "snapshot/sql_value.h"

namespace stream {
namespace {

template <class T>
std::optional<T> number_of(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<bool> truth_of(std::string_view text) {
  if (text == "true" || text == "1" || text == "t") return true;
  if (text == "false" || text == "0" || text == "f") return false;
  return std::nullopt;
}

// As many digits behind the point as the type has; those that are too many must be 0.
std::optional<Decimal> decimal_of(std::string_view text, Type type) {
  std::string digits(text.starts_with('+') ? text.substr(1) : text);
  const std::size_t point = digits.find('.');
  std::size_t fraction = point == std::string::npos ? 0 : digits.size() - point - 1;
  if (point == std::string::npos && type.scale > 0) digits += '.';
  for (; fraction > type.scale && digits.ends_with('0'); --fraction) digits.pop_back();
  for (; fraction < type.scale; ++fraction) digits += '0';
  if (digits.ends_with('.')) digits.pop_back();
  const auto value = parse_decimal_text(digits, type.scale);
  if (!value.ok()) return std::nullopt;
  unsigned __int128 limit = 1;
  for (int i = 0; i < type.precision; ++i) limit *= 10;
  const unsigned __int128 magnitude =
      *value < 0 ? -static_cast<unsigned __int128>(*value) : static_cast<unsigned __int128>(*value);
  if (magnitude >= limit) return std::nullopt;
  return *value;
}

// Takes "Z", "+02:00", "-0530" or "+02" off the end; in minutes.
std::optional<std::int64_t> take_offset(std::string_view& text) {
  if (text.ends_with('Z') || text.ends_with('z')) {
    text.remove_suffix(1);
    return 0;
  }
  const std::size_t sign = text.find_last_of("+-");
  if (sign == std::string_view::npos || text.find(':') > sign) return 0;
  std::string digits(text.substr(sign + 1));
  std::erase(digits, ':');
  if (digits.size() == 2) digits += "00";
  const auto value = number_of<std::uint32_t>(digits);
  if (digits.size() != 4 || !value || *value % 100 > 59) return std::nullopt;
  const std::int64_t minutes = std::int64_t{*value / 100 * 60} + *value % 100;
  const bool west = text[sign] == '-';
  text = text.substr(0, sign);
  return west ? -minutes : minutes;
}

// "12:30", "12:30:05", "12:30:05.5" -> the six digits of microseconds behind "12:30:05."
std::optional<std::string> full_time(std::string_view time) {
  std::string full(time);
  if (full.size() == 5) full += ":00";
  if (full.size() == 8) full += '.';
  constexpr std::size_t kFull = 15;
  while (full.size() > kFull && full.ends_with('0')) full.pop_back();
  if (full.size() < 9 || full.size() > kFull || full[8] != '.') return std::nullopt;
  full.append(kFull - full.size(), '0');
  return full;
}

std::optional<std::int64_t> instant_of(std::string_view text) {
  const std::size_t between = text.find_first_of("T ");
  if (between == std::string_view::npos) {
    const auto day = parse_date_text(text);
    if (!day.ok()) return std::nullopt;
    return std::int64_t{*day} * 86'400'000'000;
  }
  std::string_view time = text.substr(between + 1);
  const auto offset = take_offset(time);
  const auto full = full_time(time);
  if (!offset || !full) return std::nullopt;
  const auto local = parse_timestamp_text(std::string(text.substr(0, between)) + "T" + *full + "Z");
  std::int64_t value = 0;
  if (!local.ok() || __builtin_sub_overflow(*local, *offset * 60'000'000, &value)) return std::nullopt;
  return value;
}

std::optional<std::string> bytes_of(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    std::uint8_t byte = 0;
    const auto [end, error] = std::from_chars(text.data() + i, text.data() + i + 2, byte, 16);
    if (error != std::errc() || end != text.data() + i + 2) return std::nullopt;
    bytes += static_cast<char>(byte);
  }
  return bytes;
}

template <class T>
bool append(const std::optional<T>& value, ColumnBuilder& out) {
  if (value) out.append(*value);
  return value.has_value();
}

bool append_bytes(const std::optional<std::string>& bytes, ColumnBuilder& out) {
  if (bytes) out.append_bytes(*bytes);
  return bytes.has_value();
}

template <class T>
std::optional<T> value_of(const Result<T>& result) {
  return result.ok() ? std::optional<T>(*result) : std::nullopt;
}

}  // namespace

bool append_text(std::string_view text, ColumnBuilder& out) {
  switch (out.type().kind) {
    case TypeKind::kBoolean: {
      const auto truth = truth_of(text);
      if (truth) out.append<std::uint8_t>(*truth ? 1 : 0);
      return truth.has_value();
    }
    case TypeKind::kBigint: return append(number_of<std::int64_t>(text), out);
    case TypeKind::kDouble: return append(number_of<double>(text), out);
    case TypeKind::kDecimal: return append(decimal_of(text, out.type()), out);
    case TypeKind::kTimestamp: return append(instant_of(text), out);
    case TypeKind::kDate: return append(value_of(parse_date_text(text)), out);
    case TypeKind::kInterval: return append(value_of(parse_interval_text(text)), out);
    case TypeKind::kBlob: return append_bytes(bytes_of(text), out);
    case TypeKind::kJson:
      if (!nlohmann::json::accept(text)) return false;
      [[fallthrough]];
    case TypeKind::kVarchar: out.append_bytes(text); return true;
  }
  return false;
}

}  // namespace stream
