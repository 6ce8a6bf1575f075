// Arbitrary text as an expression over a fixed schema and a batch of extremes: whatever the text,
// compiling reports or succeeds, and evaluating gives a well-formed column.
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <string_view>

#include "stages/expression/select_list.h"

namespace {

using namespace stream;

const SchemaPtr& schema() {
  static const SchemaPtr instance = std::make_shared<const Schema>(*parse_schema(
      "b boolean, i bigint, f double, n decimal(38,9), s varchar, t timestamp, d date, v interval, x blob, j json"));
  return instance;
}

void add_row(BatchBuilder& builder, std::int64_t i, double f, Decimal n, std::string_view s, std::string_view j) {
  const std::int64_t t = i / 40;  // stays within the years 1 to 9999 or close outside
  builder.column(0).append<std::uint8_t>(i % 2 != 0);
  builder.column(1).append<std::int64_t>(i);
  builder.column(2).append<double>(f);
  builder.column(3).append<Decimal>(n);
  builder.column(4).append_bytes(s);
  builder.column(5).append<std::int64_t>(t);
  builder.column(6).append<std::int32_t>(static_cast<std::int32_t>(t / 86'400'000'000));
  builder.column(7).append<Interval>({static_cast<std::int32_t>(i), static_cast<std::int32_t>(i >> 32), i});
  builder.column(8).append_bytes(s);
  builder.column(9).append_bytes(j);
  builder.end_row();
}

const Batch& batch() {
  static const Batch instance = [] {
    BatchBuilder builder(schema());
    for (std::size_t c = 0; c < schema()->fields.size(); ++c) builder.column(c).append_null();
    builder.end_row();
    Decimal most = 1;
    for (int k = 0; k < 38; ++k) most *= 10;
    add_row(builder, 0, 0, 0, "", "null");
    add_row(builder, 1, -0.0, 1, "a", R"({"a":[1,{"b":null}],"c":"\u00e4"})");
    add_row(builder, -1, 1.5, -1, "\xff\xc3\x28", "[1,2");
    add_row(builder, INT64_MAX, std::numeric_limits<double>::infinity(), most - 1, "äöü%_\\", "{\"a\"");
    add_row(builder, INT64_MIN, std::numeric_limits<double>::quiet_NaN(), 1 - most, "2020-02-29 12:00+02", "[]");
    add_row(builder, 86'400'000'000, std::numeric_limits<double>::max(), 123456789, std::string_view("a\0b", 3),
            "\"\\ud800\"");
    add_row(builder, 7, std::numeric_limits<double>::denorm_min(), -5, "12", "");
    return builder.finish();
  }();
  return instance;
}

void require(bool claim) {
  if (!claim) std::abort();
}

void check_column(const Column& column, Type type) {
  require(column.type() == type && column.size() == batch().rows);
  for (std::size_t i = 0; i < column.size(); ++i) {
    if (type.variable()) require(column.offsets()[i] <= column.offsets()[i + 1]);
    if (type == kBoolean) require(column.value<std::uint8_t>(i) <= 1);
  }
}

void check_errors(const std::vector<RowError>& errors, const Column& column) {
  for (std::size_t i = 0; i < errors.size(); ++i) {
    require(i == 0 || errors[i - 1].row < errors[i].row);
    require(errors[i].row < column.size() && !column.valid(errors[i].row));
  }
}

void evaluate(const Expression& expression) {
  std::vector<RowError> errors;
  const Column column = expression.evaluate(batch(), &errors);
  check_column(column, expression.type());
  check_errors(errors, column);
  require(errors.empty() || !expression.total());
  if (expression.type() != kBoolean || !expression.deterministic()) return;
  std::vector<std::uint32_t> rows;
  std::vector<RowError> again;
  expression.select(batch(), &rows, &again);
  require(again.size() == errors.size());
  std::size_t next = 0;
  for (std::uint32_t i = 0; i < column.size(); ++i) {
    const bool chosen = column.valid(i) && column.value<std::uint8_t>(i) != 0;
    require(!chosen || (next < rows.size() && rows[next] == i));
    next += chosen ? 1 : 0;
  }
  require(next == rows.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  ExpressionError error;
  if (const auto expression = Expression::compile(text, *schema(), &error)) {
    evaluate(*expression);
  } else {
    require(!error.message.empty() && error.offset <= size);
  }
  const SelectText item{"", std::string(text)};
  if (const auto columns = compile_select({&item, 1}, *schema(), nullptr)) {
    for (const SelectedColumn& column : *columns) evaluate(column.expression);
  }
  const std::size_t by = 4;
  (void)compile_aggregates({&item, 1}, *schema(), {&by, 1}, nullptr);
  return 0;
}
