// Batches written as text.
#pragma once

#include <string>
#include <vector>

#include "tests/support/operator_rig.h"

namespace stream::test {

struct TextRow {
  std::vector<std::string> values;  // "\\N" is NULL
  RowKind kind = RowKind::kInsert;
};

inline void append_text(ColumnBuilder& column, const std::string& text) {
  if (text == "\\N") {
    column.append_null();
  } else if (column.type().variable()) {
    column.append_bytes(text);
  } else if (column.type() == kDouble) {
    column.append(std::stod(text));
  } else {
    column.append<std::int64_t>(std::stoll(text));
  }
}

inline Batch batch_of(const SchemaPtr& schema, const std::vector<TextRow>& rows) {
  BatchBuilder builder(schema);
  for (const TextRow& row : rows) {
    for (std::size_t i = 0; i < row.values.size(); ++i) append_text(builder.column(i), row.values[i]);
    builder.end_row(row.kind);
  }
  return builder.finish();
}

// What planning says is wrong: "option: message", or "" where nothing is.
template <class Plan>
std::string refusal(Plan plan, const Values& values, const Schema& input, std::uint32_t parallelism = 1) {
  const PlanAnswer answer = plan({values, {{"in", input}}, "/", parallelism, "stage"});
  return answer.errors.empty() ? "" : answer.errors.front().option + ": " + answer.errors.front().message;
}

}  // namespace stream::test
