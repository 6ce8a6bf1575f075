// Values of state columns as SQL values, without loss (but -0.0 becomes 0.0, which SQLite stores).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "snapshot/sqlite.h"
#include "snapshot/sqlite_record.h"
#include "transport/record/column.h"

struct sqlite3_context;
struct sqlite3_value;

namespace stream {

// "INTEGER", "REAL", "TEXT", "BLOB"
std::string_view sql_type(Type type);

// Binds row `row`. Text made for it is kept in `scratch` until the statement was reset.
void bind_value(Statement& statement, int parameter, const Column& column, std::size_t row, std::string& scratch);

// Adds it to a row of a file.
void add_value(SqliteRecord& record, const Column& column, std::size_t row, std::string& scratch);

// The same as the answer of a virtual table.
void give_value(sqlite3_context* to, const Column& column, std::size_t row, std::string& scratch);

// For people; "NULL", "true", bytes in hexadecimal digits.
std::string value_text(const Column& column, std::size_t row);
std::string real_text(double value);  // as few digits as tell it from others
std::string hex_text(std::string_view bytes);

// Appends a value in the form that a column of this type is stored in; false, and nothing, if it has another.
bool append_given(sqlite3_value* value, ColumnBuilder& out);

// Appends column `column` of the statement's row. Errors: kCorrupt for what is no such value.
Status append_value(const Statement& statement, int column, ColumnBuilder& out);

// 2024-01-31T00:00:00.000000Z; years outside of 0000..9999 have a sign and as many digits as needed.
std::string timestamp_text(std::int64_t microseconds);
std::string date_text(std::int32_t days);             // 2024-01-31
std::string interval_text(const Interval& interval);  // P1M-2DT3.000004S
std::string decimal_text(Decimal value, std::uint8_t scale);

Result<std::int64_t> parse_timestamp_text(std::string_view text);
Result<std::int32_t> parse_date_text(std::string_view text);
Result<Interval> parse_interval_text(std::string_view text);
Result<Decimal> parse_decimal_text(std::string_view text, std::uint8_t scale);

}  // namespace stream
