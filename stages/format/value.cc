#include "stages/format/value.h"

#include <algorithm>
#include <cstring>

#include "stages/format/number.h"
#include "stages/format/scan.h"

namespace stream::format {
namespace {

bool is_null(const char* p) { return std::memcmp(p, "null", 4) == 0; }

bool clean_text(std::string_view text) {
  return valid_utf8(text) && std::memchr(text.data(), '\0', text.size()) == nullptr;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

template <class T>
const char* append_at(const char* end, T value, ColumnBuilder& out) {
  if (end != nullptr) out.append(value);
  return end;
}

const char* read_json_boolean(const char* p, ColumnBuilder& out) {
  if (std::memcmp(p, "true", 4) == 0) return append_at(p + 4, std::uint8_t{1}, out);
  if (std::memcmp(p, "false", 5) == 0) return append_at(p + 5, std::uint8_t{0}, out);
  return nullptr;
}

}  // namespace

const char* ValueReader::read_json(const char* p, ColumnBuilder& out) {
  if (*p == 'n' && is_null(p)) {
    out.append_null();
    return p + 4;
  }
  switch (out.type().kind) {
    case TypeKind::kBigint: {
      std::int64_t value = 0;
      const char* end = read_json_bigint(p, value);
      return append_at(end, value, out);
    }
    case TypeKind::kVarchar: return *p == '"' ? read_json_string(p, out) : read_json_varchar(p, out);
    case TypeKind::kTimestamp: return read_json_timestamp(p, out);
    case TypeKind::kDouble: {
      double value = 0;
      const char* end = read_json_double(p, value);
      return append_at(end, value, out);
    }
    case TypeKind::kBoolean: return read_json_boolean(p, out);
    case TypeKind::kJson: return read_json_raw(p, out);
    case TypeKind::kDecimal: return read_json_decimal(p, out);
    case TypeKind::kDate:
    case TypeKind::kInterval:
    case TypeKind::kBlob: return read_json_quoted(p, out);
  }
  return nullptr;
}

const char* ValueReader::read_json_string(const char* p, ColumnBuilder& out) {
  unsigned high = 0;
  const char* stop = string_stop(p + 1, high);
  if (*stop == '"') {
    const std::string_view text(p + 1, static_cast<std::size_t>(stop - p - 1));
    if (high != 0 && !valid_utf8(text)) return nullptr;
    out.append_bytes(text);
    return stop + 1;
  }
  const char* end = nullptr;
  std::string_view text;
  if (!quoted_text(p, end, text) || !clean_text(text)) return nullptr;
  out.append_bytes(text);
  return end;
}

// The unescaped text of the string at p; valid until the next call.
bool ValueReader::quoted_text(const char* p, const char*& end, std::string_view& text) {
  if (*p != '"') return false;
  end = skip_json_string(p + 1);
  if (end == nullptr) return false;
  text = {p + 1, static_cast<std::size_t>(end - p - 2)};
  if (std::memchr(text.data(), '\\', text.size()) == nullptr) return true;
  scratch_.clear();
  if (!unescape_json(text, scratch_)) return false;
  text = scratch_;
  return true;
}

// Any value but a string, as it is written.
const char* ValueReader::read_json_varchar(const char* p, ColumnBuilder& out) { return read_json_raw(p, out); }

const char* ValueReader::read_json_raw(const char* p, ColumnBuilder& out) {
  const char* end = skip_json_value(p);
  if (end == nullptr || !valid_json(p, end)) return nullptr;
  out.append_bytes({p, static_cast<std::size_t>(end - p)});
  return end;
}

const char* ValueReader::read_json_decimal(const char* p, ColumnBuilder& out) {
  const char* end = nullptr;
  std::string_view text;
  if (*p == '"') {
    if (!quoted_text(p, end, text)) return nullptr;
  } else {
    end = skip_json_number(p);
    if (end == nullptr) return nullptr;
    text = {p, static_cast<std::size_t>(end - p)};
  }
  Decimal value = 0;
  if (!parse_decimal(text, out.type().precision, out.type().scale, value)) return nullptr;
  out.append(value);
  return end;
}

const char* ValueReader::read_json_timestamp(const char* p, ColumnBuilder& out) {
  const char* end = nullptr;
  std::string_view text;
  std::int64_t instant = 0;
  if (*p == '"') {
    if (!quoted_text(p, end, text) || !parse_timestamp(text, rules_, instant, ambiguous_)) return nullptr;
  } else {
    end = skip_json_number(p);
    if (end == nullptr) return nullptr;
    text = {p, static_cast<std::size_t>(end - p)};
    if (!parse_time_number(text, rules_.unit, instant)) return nullptr;
  }
  out.append(instant);
  return end;
}

const char* ValueReader::read_json_quoted(const char* p, ColumnBuilder& out) {
  const char* end = nullptr;
  std::string_view text;
  if (!quoted_text(p, end, text) || text.empty()) {
    if (end == nullptr || !text.empty() || out.type().kind != TypeKind::kBlob) return nullptr;
    out.append_bytes({});
    return end;
  }
  return read_text(std::string(text), out) ? end : nullptr;
}

bool ValueReader::read_text(std::string_view text, ColumnBuilder& out) {
  if (out.type().kind == TypeKind::kVarchar) {
    if (!clean_text(text)) return false;
    out.append_bytes(text);
    return true;
  }
  text = trimmed(text);
  switch (out.type().kind) {
    case TypeKind::kBigint: {
      std::int64_t value = 0;
      return parse_bigint(text, value) && append_at("", value, out) != nullptr;
    }
    case TypeKind::kDouble: {
      double value = 0;
      return parse_double(text, value) && append_at("", value, out) != nullptr;
    }
    case TypeKind::kDecimal: {
      Decimal value = 0;
      return parse_decimal(text, out.type().precision, out.type().scale, value) && append_at("", value, out) != nullptr;
    }
    case TypeKind::kBoolean: {
      bool value = false;
      return parse_boolean(text, value) && append_at("", static_cast<std::uint8_t>(value), out) != nullptr;
    }
    case TypeKind::kTimestamp: {
      std::int64_t instant = 0;
      return parse_timestamp(text, rules_, instant, ambiguous_) && append_at("", instant, out) != nullptr;
    }
    case TypeKind::kDate: {
      std::int32_t days = 0;
      return parse_date(text, days) && append_at("", days, out) != nullptr;
    }
    case TypeKind::kInterval: {
      Interval value;
      return parse_interval(text, value) && append_at("", value, out) != nullptr;
    }
    case TypeKind::kBlob:
      scratch_.clear();
      if (!decode_base64(text, scratch_)) return false;
      out.append_bytes(scratch_);
      return true;
    case TypeKind::kJson:
      if (!valid_json(text.data(), text.data() + text.size())) return false;
      out.append_bytes(text);
      return true;
    case TypeKind::kVarchar: break;
  }
  return false;
}

std::string bad_value(std::string_view column, Type type, std::string_view text, const TimeRules& rules) {
  constexpr std::size_t kShown = 60;
  std::string out = "column '" + std::string(column) + "': not a valid " + to_string(type) + ": " +
                    std::string(text.substr(0, kShown));
  if (text.size() > kShown) out += "…";
  if (type.kind == TypeKind::kBigint && text.size() > 18 && std::ranges::all_of(text.substr(1), is_digit)) {
    out += " (too large: declare the column as decimal(38,0))";
  }
  if (type.kind == TypeKind::kTimestamp && rules.unit == TimeUnit::kNone &&
      skip_json_number(text.data(), text.data() + text.size()) == text.data() + text.size()) {
    out += " (a number needs time-unit)";
  }
  return out;
}

}  // namespace stream::format
