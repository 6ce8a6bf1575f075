#include "snapshot/sql_value.h"

#include <sqlite3.h>

#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <limits>

namespace stream {
namespace {

constexpr std::int64_t kMicrosPerDay = 86'400'000'000;

constexpr auto kDecimalMax = [] {
  unsigned __int128 power = 1;
  for (int digits = 0; digits < 38; ++digits) power *= 10;
  return power - 1;
}();

// Days since 1970 as year, month, day of the proleptic Gregorian calendar, for any int64 of
// microseconds: std::chrono's year stops at 32767.
struct Civil {
  std::int64_t year;
  int month;
  int day;
};

Civil civil_of(std::int64_t days) {
  const std::int64_t shifted = days + 719'468;
  const std::int64_t era = (shifted >= 0 ? shifted : shifted - 146'096) / 146'097;
  const auto of_era = static_cast<int>(shifted - era * 146'097);
  const int year_of_era = (of_era - of_era / 1460 + of_era / 36'524 - of_era / 146'096) / 365;
  const int of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int month = (5 * of_year + 2) / 153;
  const int day = of_year - (153 * month + 2) / 5 + 1;
  return {year_of_era + era * 400 + (month >= 10 ? 1 : 0), month < 10 ? month + 3 : month - 9, day};
}

std::int64_t days_of(const Civil& civil) {
  const std::int64_t year = civil.year - (civil.month <= 2 ? 1 : 0);
  const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
  const std::int64_t of_era = year - era * 400;
  const int of_year = (153 * (civil.month > 2 ? civil.month - 3 : civil.month + 9) + 2) / 5 + civil.day - 1;
  return era * 146'097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719'468;
}

std::string day_text(std::int64_t days) {
  const Civil civil = civil_of(days);
  const bool plain = civil.year >= 0 && civil.year <= 9999;
  char text[48];
  std::snprintf(text, sizeof text, plain ? "%04lld-%02d-%02d" : "%+06lld-%02d-%02d", static_cast<long long>(civil.year),
                civil.month, civil.day);
  return text;
}

// Reads parts of a text from the left; once something does not fit, ok() is false for good.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  std::int64_t number() {
    if (!text_.empty() && text_[0] == '+') text_.remove_prefix(1);
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), value);
    if (error != std::errc()) return fail();
    text_.remove_prefix(static_cast<std::size_t>(end - text_.data()));
    return value;
  }
  int digits(std::size_t count) {
    int value = 0;
    if (text_.size() < count) return static_cast<int>(fail());
    for (std::size_t i = 0; i < count; ++i) {
      if (text_[i] < '0' || text_[i] > '9') return static_cast<int>(fail());
      value = value * 10 + (text_[i] - '0');
    }
    text_.remove_prefix(count);
    return value;
  }
  void expect(char c) {
    if (text_.empty() || text_[0] != c) {
      fail();
      return;
    }
    text_.remove_prefix(1);
  }
  bool ok() const { return ok_; }
  bool done() const { return ok_ && text_.empty(); }

 private:
  std::int64_t fail() {
    ok_ = false;
    return 0;
  }
  std::string_view text_;
  bool ok_ = true;
};

std::int64_t scan_day(Scanner& in) {
  Civil civil{};
  civil.year = in.number();
  in.expect('-');
  civil.month = in.digits(2);
  in.expect('-');
  civil.day = in.digits(2);
  const bool sane = in.ok() && civil.month >= 1 && civil.month <= 12 && civil.day >= 1 && civil.day <= 31 &&
                    civil.year > -10'000'000 && civil.year < 10'000'000;
  if (!sane) in.expect('\0');
  return sane ? days_of(civil) : 0;
}

Status wrong(std::string_view text, Type type) {
  return corrupt("'" + std::string(text.substr(0, 80)) + "' is no " + to_string(type));
}

template <class T, class Read>
Status append_read(std::string_view text, ColumnBuilder& out, const Read& read) {
  const Result<T> value = read(text);
  if (!value.ok()) return value.status();
  out.append(*value);
  return {};
}

}  // namespace

std::string timestamp_text(std::int64_t microseconds) {
  std::int64_t days = microseconds / kMicrosPerDay;
  std::int64_t rest = microseconds % kMicrosPerDay;
  if (rest < 0) {
    rest += kMicrosPerDay;
    --days;
  }
  const std::int64_t seconds = rest / 1'000'000;
  char time[40];
  std::snprintf(time, sizeof time, "T%02d:%02d:%02d.%06dZ", static_cast<int>(seconds / 3600),
                static_cast<int>(seconds / 60 % 60), static_cast<int>(seconds % 60),
                static_cast<int>(rest % 1'000'000));
  return day_text(days) + time;
}

std::string date_text(std::int32_t days) { return day_text(days); }

std::string interval_text(const Interval& interval) {
  const std::int64_t us = interval.microseconds;
  const auto magnitude = us < 0 ? 0 - static_cast<std::uint64_t>(us) : static_cast<std::uint64_t>(us);
  char text[96];
  std::snprintf(text, sizeof text, "P%dM%dDT%s%llu.%06lluS", interval.months, interval.days, us < 0 ? "-" : "",
                static_cast<unsigned long long>(magnitude / 1'000'000),
                static_cast<unsigned long long>(magnitude % 1'000'000));
  return text;
}

std::string decimal_text(Decimal value, std::uint8_t scale) {
  auto magnitude = value < 0 ? 0 - static_cast<unsigned __int128>(value) : static_cast<unsigned __int128>(value);
  std::string digits;
  for (std::size_t i = 0; magnitude != 0 || i <= scale; ++i) {
    if (i == scale && scale != 0) digits += '.';
    digits += static_cast<char>('0' + static_cast<int>(magnitude % 10));
    magnitude /= 10;
  }
  if (value < 0) digits += '-';
  return {digits.rbegin(), digits.rend()};
}

Result<std::int64_t> parse_timestamp_text(std::string_view text) {
  Scanner in(text);
  const std::int64_t days = scan_day(in);
  in.expect('T');
  const int hours = in.digits(2);
  in.expect(':');
  const int minutes = in.digits(2);
  in.expect(':');
  const int seconds = in.digits(2);
  in.expect('.');
  const int micros = in.digits(6);
  in.expect('Z');
  const auto value = static_cast<__int128>(days) * kMicrosPerDay +
                     (std::int64_t{hours} * 3600 + minutes * 60 + seconds) * std::int64_t{1'000'000} + micros;
  const bool fits = value >= INT64_MIN && value <= INT64_MAX;
  if (!in.done() || !fits) return wrong(text, kTimestamp);
  return static_cast<std::int64_t>(value);
}

Result<std::int32_t> parse_date_text(std::string_view text) {
  Scanner in(text);
  const std::int64_t days = scan_day(in);
  if (!in.done() || days < INT32_MIN || days > INT32_MAX) return wrong(text, kDate);
  return static_cast<std::int32_t>(days);
}

Result<Interval> parse_interval_text(std::string_view text) {
  Scanner in(text);
  in.expect('P');
  const std::int64_t months = in.number();
  in.expect('M');
  const std::int64_t days = in.number();
  const bool negative = text.find("T-") != std::string_view::npos;
  in.expect('D');
  in.expect('T');
  const std::int64_t seconds = in.number();
  in.expect('.');
  const int micros = in.digits(6);
  in.expect('S');
  const auto value = static_cast<__int128>(seconds) * 1'000'000 + (negative ? -micros : micros);
  const bool fits = value >= INT64_MIN && value <= INT64_MAX && months >= INT32_MIN && months <= INT32_MAX &&
                    days >= INT32_MIN && days <= INT32_MAX;
  if (!in.done() || !fits) return wrong(text, kInterval);
  return Interval{static_cast<std::int32_t>(months), static_cast<std::int32_t>(days), static_cast<std::int64_t>(value)};
}

Result<Decimal> parse_decimal_text(std::string_view text, std::uint8_t scale) {
  const Type type = decimal_type(38, scale);
  const bool negative = !text.empty() && text[0] == '-';
  unsigned __int128 magnitude = 0;
  std::size_t digits = 0;
  std::size_t fraction = 0;
  bool point = false;
  for (const char c : text.substr(negative ? 1 : 0)) {
    if (c == '.' && !point) {
      point = true;
      continue;
    }
    if (c < '0' || c > '9' || ++digits > 39) return wrong(text, type);
    const auto digit = static_cast<unsigned>(c - '0');
    if (magnitude > (kDecimalMax - digit) / 10) return wrong(text, type);
    magnitude = magnitude * 10 + digit;
    fraction += point ? 1 : 0;
  }
  if (digits == 0 || fraction != scale) return wrong(text, type);
  return negative ? -static_cast<Decimal>(magnitude) : static_cast<Decimal>(magnitude);
}

std::string_view sql_type(Type type) {
  switch (type.kind) {
    case TypeKind::kBoolean:
    case TypeKind::kBigint: return "INTEGER";
    case TypeKind::kDouble: return "REAL";
    case TypeKind::kBlob: return "BLOB";
    case TypeKind::kDecimal:
    case TypeKind::kVarchar:
    case TypeKind::kTimestamp:
    case TypeKind::kDate:
    case TypeKind::kInterval:
    case TypeKind::kJson: return "TEXT";
  }
  return "BLOB";
}

namespace {

// Where values go: a parameter of a statement, or what a virtual table answers.
struct Parameter {
  Statement& statement;
  int number;
  void null() { statement.bind_null(number); }
  void integer(std::int64_t value) { statement.bind(number, value); }
  void real(double value) { statement.bind(number, value); }
  void text(std::string_view value) { statement.bind_text(number, value); }
  void blob(std::string_view value) { statement.bind_blob(number, value); }
};

struct Answer {
  sqlite3_context* to;
  void null() { sqlite3_result_null(to); }
  void integer(std::int64_t value) { sqlite3_result_int64(to, value); }
  void real(double value) { sqlite3_result_double(to, value); }
  void text(std::string_view value) {
    sqlite3_result_text64(to, value.data() == nullptr ? "" : value.data(), value.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  }
  void blob(std::string_view value) {
    sqlite3_result_blob64(to, value.data() == nullptr ? "" : value.data(), value.size(), SQLITE_TRANSIENT);
  }
};

struct Words {
  Type type;
  std::string& out;
  void null() { out = "NULL"; }
  void integer(std::int64_t value) { out = type != kBoolean ? std::to_string(value) : value != 0 ? "true" : "false"; }
  void real(double value) { out = real_text(value); }
  void text(std::string_view value) {
    if (value.data() != out.data()) out = value;
  }
  void blob(std::string_view value) { out = hex_text(value); }
};

template <class To>
void put_value(To to, const Column& column, std::size_t row, std::string& scratch) {
  if (!column.valid(row)) return to.null();
  switch (column.type().kind) {
    case TypeKind::kBoolean: return to.integer(column.value<std::uint8_t>(row));
    case TypeKind::kBigint: return to.integer(column.value<std::int64_t>(row));
    case TypeKind::kDouble: {
      const auto value = column.value<double>(row);
      return std::isnan(value) ? to.text("NaN") : to.real(value);
    }
    case TypeKind::kBlob: return to.blob(column.bytes(row));
    case TypeKind::kVarchar:
    case TypeKind::kJson: return to.text(column.bytes(row));
    case TypeKind::kDecimal: scratch = decimal_text(column.value<Decimal>(row), column.type().scale); break;
    case TypeKind::kTimestamp: scratch = timestamp_text(column.value<std::int64_t>(row)); break;
    case TypeKind::kDate: scratch = date_text(column.value<std::int32_t>(row)); break;
    case TypeKind::kInterval: scratch = interval_text(column.value<Interval>(row)); break;
  }
  to.text(scratch);
}

// A value that SQLite has: to be asked once for each, as a statement's columns cost more than their bytes.
class GivenValue {
 public:
  explicit GivenValue(sqlite3_value* value) : value_(value), type_(sqlite3_value_type(value)) {}
  std::int64_t integer() const { return sqlite3_value_int64(value_); }
  double real() const { return sqlite3_value_double(value_); }
  bool is_null() const { return type_ == SQLITE_NULL; }
  bool is_text() const { return type_ == SQLITE_TEXT; }
  std::string_view bytes() const {
    const auto* bytes = static_cast<const char*>(sqlite3_value_blob(value_));
    return bytes == nullptr ? std::string_view()
                            : std::string_view(bytes, static_cast<std::size_t>(sqlite3_value_bytes(value_)));
  }

 private:
  sqlite3_value* value_;
  int type_;
};

Status append_from(const GivenValue& from, ColumnBuilder& out) {
  const Type type = out.type();
  if (from.is_null()) {
    out.append_null();
    return {};
  }
  switch (type.kind) {
    case TypeKind::kBoolean: out.append(static_cast<std::uint8_t>(from.integer() != 0)); return {};
    case TypeKind::kBigint: out.append(from.integer()); return {};
    case TypeKind::kDouble:
      if (from.is_text() && from.bytes() != "NaN") return wrong(from.bytes(), type);
      out.append(from.is_text() ? std::numeric_limits<double>::quiet_NaN() : from.real());
      return {};
    case TypeKind::kBlob:
    case TypeKind::kVarchar:
    case TypeKind::kJson: out.append_bytes(from.bytes()); return {};
    case TypeKind::kDecimal:
      return append_read<Decimal>(from.bytes(), out, [&](auto t) { return parse_decimal_text(t, type.scale); });
    case TypeKind::kTimestamp: return append_read<std::int64_t>(from.bytes(), out, parse_timestamp_text);
    case TypeKind::kDate: return append_read<std::int32_t>(from.bytes(), out, parse_date_text);
    case TypeKind::kInterval: return append_read<Interval>(from.bytes(), out, parse_interval_text);
  }
  return {};
}

}  // namespace

void bind_value(Statement& statement, int parameter, const Column& column, std::size_t row, std::string& scratch) {
  put_value(Parameter{statement, parameter}, column, row, scratch);
}

void add_value(SqliteRecord& record, const Column& column, std::size_t row, std::string& scratch) {
  put_value<SqliteRecord&>(record, column, row, scratch);
}

void give_value(sqlite3_context* to, const Column& column, std::size_t row, std::string& scratch) {
  put_value(Answer{to}, column, row, scratch);
}

std::string real_text(double value) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

std::string hex_text(std::string_view bytes) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    text += kDigits[static_cast<unsigned char>(c) >> 4];
    text += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return text;
}

std::string value_text(const Column& column, std::size_t row) {
  std::string text;
  put_value(Words{column.type(), text}, column, row, text);
  return text;
}

Status append_value(const Statement& statement, int column, ColumnBuilder& out) {
  return append_from(GivenValue(statement.value(column)), out);
}

bool append_given(sqlite3_value* value, ColumnBuilder& out) {
  const Type type = out.type();
  const std::string_view stored = sql_type(type);
  switch (sqlite3_value_type(value)) {
    case SQLITE_NULL: break;
    case SQLITE_INTEGER:
      if (stored != "INTEGER") return false;
      if (type == kBoolean && (sqlite3_value_int64(value) & ~std::int64_t{1}) != 0) return false;
      break;
    case SQLITE_FLOAT:
      if (stored != "REAL") return false;
      break;
    case SQLITE_TEXT:
      if (stored != "TEXT" && stored != "REAL") return false;  // NaN is a text
      break;
    default:
      if (stored != "BLOB") return false;
  }
  return append_from(GivenValue(value), out).ok();
}

}  // namespace stream
