#include "stages/expression/expression.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "stages/expression/bind.h"
#include "stages/expression/compiler.h"
#include "transport/base/clock.h"

namespace stream {
namespace {

using expression::Errors;
using expression::Evaluation;
using expression::Value;

void report(const Errors& errors, std::size_t rows, std::vector<RowError>* out) {
  if (!errors.any() || out == nullptr) return;
  for (std::size_t row = 0; row < rows; ++row) {
    if (errors.at(row) != nullptr) out->push_back({static_cast<std::uint32_t>(row), errors.at(row)});
  }
}

// A row that failed has no value, whatever was computed above the failure.
Column without_failed(const Column& column, const Errors& errors) {
  ColumnBuilder builder(column.type(), column.size());
  for (std::size_t row = 0; row < column.size(); ++row) {
    if (errors.at(row) != nullptr) {
      builder.append_null();
    } else {
      builder.append_from(column, row);
    }
  }
  return builder.finish();
}

// For each of the 256 sets of eight rows: which they are.
constexpr auto kPlaces = [] {
  std::array<std::array<std::uint8_t, 8>, 256> places{};
  for (std::size_t set = 0; set < 256; ++set) {
    std::size_t count = 0;
    for (std::uint8_t k = 0; k < 8; ++k) {
      if (((set >> k) & 1) != 0) places[set][count++] = k;
    }
  }
  return places;
}();

// Positions of the ones, eight rows at a time and without a branch a row. `out` has room for eight
// more than there are rows.
std::size_t positions_of(const std::uint8_t* truth, std::size_t rows, std::uint32_t* out) {
  std::size_t count = 0;
  std::size_t i = 0;
  for (; i + 8 <= rows; i += 8) {
    std::uint64_t eight;
    std::memcpy(&eight, truth + i, 8);
    if (eight == 0) continue;
    const std::size_t set = (eight * 0x0102040810204080ULL) >> 56;  // byte k to bit k
    for (std::size_t k = 0; k < 8; ++k) out[count + k] = static_cast<std::uint32_t>(i) + kPlaces[set][k];
    count += static_cast<std::size_t>(__builtin_popcountll(set));
  }
  for (; i < rows; ++i) {
    out[count] = static_cast<std::uint32_t>(i);
    count += truth[i];
  }
  return count;
}

std::size_t drop_invalid(const Column& column, std::uint32_t* rows, std::size_t count) {
  if (!column.has_nulls()) return count;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < count; ++i) {
    rows[kept] = rows[i];
    kept += column.valid(rows[i]) ? 1 : 0;
  }
  return kept;
}

std::size_t drop_failed(const Errors& errors, std::uint32_t* rows, std::size_t count) {
  if (!errors.any()) return count;
  return static_cast<std::size_t>(
      std::remove_if(rows, rows + count, [&](std::uint32_t row) { return errors.at(row) != nullptr; }) - rows);
}

}  // namespace

Expression::Expression() = default;
Expression::~Expression() = default;
Expression::Expression(Expression&&) noexcept = default;
Expression& Expression::operator=(Expression&&) noexcept = default;
Expression::Expression(const Expression&) = default;
Expression& Expression::operator=(const Expression&) = default;
Expression::Expression(std::shared_ptr<const expression::Node> root, std::string text)
    : root_(std::move(root)), text_(std::move(text)) {}

std::unique_ptr<Expression> Expression::compile(std::string_view text, const Schema& schema, ExpressionError* error,
                                                std::span<const InputColumns> inputs) {
  try {
    const expression::Ast ast = expression::parse_expression(text, schema.names());
    const expression::Scope scope{.schema = &schema, .inputs = inputs};
    return std::make_unique<Expression>(Expression(expression::Binder(scope).bind(ast), std::string(text)));
  } catch (const expression::Failure& failure) {
    if (error != nullptr) *error = {failure.offset, failure.message, failure.hint};
    return nullptr;
  }
}

Expression Expression::column(const Schema& schema, std::size_t index) {
  const Field& field = schema.fields[index];
  return {expression::make_column(field.type, index), field.name};
}

Type Expression::type() const { return root_->type(); }
std::optional<std::size_t> Expression::as_column() const { return root_->column(); }
bool Expression::deterministic() const { return root_->deterministic(); }
bool Expression::total() const { return root_->total(); }
const std::string& Expression::text() const { return text_; }

std::vector<std::size_t> Expression::columns() const {
  std::vector<std::size_t> columns;
  root_->collect_columns(columns);
  std::ranges::sort(columns);
  columns.erase(std::unique(columns.begin(), columns.end()), columns.end());
  return columns;
}

Column Expression::evaluate(const Batch& batch, std::vector<RowError>* errors) const {
  return evaluate(batch, root_->deterministic() ? 0 : system_clock().wall_us(), errors);
}

Column Expression::evaluate(const Batch& batch, std::int64_t now, std::vector<RowError>* errors) const {
  if (batch.rows == 0) return null_column(type(), 0);
  Errors failed(batch.rows);
  Evaluation evaluation{batch.columns, batch.rows, now, &failed};
  Value value = root_->evaluate(evaluation);
  report(failed, batch.rows, errors);
  Column column = value.constant ? repeat_column(value.column, batch.rows) : std::move(value.column);
  return failed.any() ? without_failed(column, failed) : column;
}

void Expression::select(const Batch& batch, std::vector<std::uint32_t>* rows, std::vector<RowError>* errors) const {
  STREAM_CHECK(type() == kBoolean);
  rows->clear();
  if (batch.rows == 0) return;
  Errors failed(batch.rows);
  Evaluation evaluation{batch.columns, batch.rows, root_->deterministic() ? 0 : system_clock().wall_us(), &failed};
  const Value value = root_->evaluate(evaluation);
  report(failed, batch.rows, errors);
  const std::uint8_t* truth = value.column.values<std::uint8_t>();
  rows->resize(batch.rows + 8);
  std::size_t count = 0;
  if (!value.constant) {
    count = drop_invalid(value.column, rows->data(), positions_of(truth, batch.rows, rows->data()));
  } else if (value.column.valid(0) && truth[0] != 0) {
    for (; count < batch.rows; ++count) (*rows)[count] = static_cast<std::uint32_t>(count);
  }
  rows->resize(drop_failed(failed, rows->data(), count));
}

}  // namespace stream
