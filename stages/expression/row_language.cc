#include "stages/expression/row_language.h"

#include "stages/expression/expression.h"

namespace stream {
namespace {

class SqlFunction final : public RowFunction {
 public:
  explicit SqlFunction(Expression expression) : expression_(std::move(expression)) {}

  Type type() const override { return expression_.type(); }
  bool total() const override { return expression_.total(); }
  std::vector<std::size_t> columns() const override { return expression_.columns(); }
  Result<Column> compute(const Batch& rows) const override {
    std::vector<RowError> errors;
    Column column = expression_.evaluate(rows, 0, &errors);
    if (errors.empty()) return column;
    return usage_error("'" + expression_.text() + "': " + errors.front().reason + ", in " +
                       std::to_string(errors.size()) + " of " + std::to_string(rows.rows) + " rows");
  }

 private:
  Expression expression_;
};

class SqlLanguage final : public RowLanguage {
 public:
  Result<std::shared_ptr<const RowFunction>> compile(std::string_view text, const Schema& rows) const override {
    ExpressionError error;
    const auto expression = Expression::compile(text, rows, &error);
    if (!expression) return usage_error(error.message + (error.hint.empty() ? "" : "; " + error.hint));
    if (!expression->deterministic()) return usage_error("'" + std::string(text) + "' is another value each time");
    return std::shared_ptr<const RowFunction>(std::make_shared<SqlFunction>(*expression));
  }
};

}  // namespace

const RowLanguage& sql_language() {
  static const SqlLanguage language;
  return language;
}

}  // namespace stream
