#include "tests/unit/expression/support.h"

#include <stdexcept>

namespace stream::test {
namespace {

std::string shown(const ExpressionError& error) {
  return "@" + std::to_string(error.offset) + " " + error.message + (error.hint.empty() ? "" : " (" + error.hint + ")");
}

Expression compiled(std::string_view text, const Schema& schema) {
  ExpressionError error;
  auto expression = Expression::compile(text, schema, &error);
  if (expression == nullptr) throw std::runtime_error(shown(error));
  return *expression;
}

std::vector<std::string> texts_of(const Column& column, const std::vector<RowError>& errors) {
  Column texts = column;
  if (column.type() != kVarchar) {
    const Schema schema{{{"x", column.type()}}, {}, {}, {}};
    Batch batch{std::make_shared<const Schema>(schema), column.size(), {column}, {}};
    std::vector<RowError> none;
    texts = compiled("x::varchar", schema).evaluate(batch, &none);
  }
  std::vector<std::string> out;
  for (std::size_t i = 0; i < texts.size(); ++i) out.push_back(texts.valid(i) ? std::string(texts.bytes(i)) : "NULL");
  for (const RowError& error : errors) out[error.row] = std::string("ERROR ") + error.reason;
  return out;
}

}  // namespace

Batch batch_of(const char* text, std::initializer_list<std::initializer_list<const char*>> rows) {
  const Schema schema = *parse_schema(text);
  Schema raw = schema;
  for (Field& field : raw.fields) field.type = kVarchar;
  BatchBuilder builder(std::make_shared<const Schema>(raw));
  for (const auto& row : rows) {
    std::size_t i = 0;
    for (const char* cell : row) {
      if (std::string_view(cell) == "\\N") {
        builder.column(i++).append_null();
      } else {
        builder.column(i++).append_bytes(cell);
      }
    }
    builder.end_row();
  }
  const Batch texts = builder.finish();
  Batch batch{std::make_shared<const Schema>(schema), texts.rows, {}, {}};
  for (const Field& field : schema.fields) {
    std::vector<RowError> errors;
    batch.columns.push_back(compiled("\"" + field.name + "\"::" + to_string(field.type), raw).evaluate(texts, &errors));
    if (!errors.empty()) throw std::runtime_error(errors[0].reason);
  }
  return batch;
}

std::vector<std::string> values(std::string_view text, const Batch& batch) {
  std::vector<RowError> errors;
  const Column column = compiled(text, *batch.schema).evaluate(batch, &errors);
  return texts_of(column, errors);
}

std::string value(std::string_view text) {
  try {
    const Batch batch{std::make_shared<const Schema>(), 1, {}, {}};
    return values(text, batch)[0];
  } catch (const std::runtime_error& failure) { return failure.what(); }
}

std::string type(std::string_view text) {
  try {
    return to_string(compiled(text, Schema()).type());
  } catch (const std::runtime_error& failure) { return failure.what(); }
}

std::string error(std::string_view text, const char* schema) {
  ExpressionError error;
  return Expression::compile(text, *parse_schema(schema), &error) != nullptr ? "" : shown(error);
}

std::vector<std::uint32_t> selected(std::string_view text, const Batch& batch) {
  std::vector<std::uint32_t> rows;
  std::vector<RowError> errors;
  compiled(text, *batch.schema).select(batch, &rows, &errors);
  return rows;
}

}  // namespace stream::test
