// Compares the rows a test expects with those that came. Pure.
#pragma once

#include <string>
#include <vector>

#include "transport/record/schema.h"

namespace stream {

struct RowDifference {
  enum class Kind : std::uint8_t { kChanged, kMissing, kUnexpected };
  Kind kind = Kind::kChanged;
  // The columns that are compared, of the row that was expected and of the one that came; JSON objects, "" = none.
  std::string expected = {};
  std::string actual = {};
  std::vector<std::string> columns = {};  // kChanged: those that differ
  std::size_t index = 0;                  // of the expected row; kUnexpected: of the one that came
};

struct RowMatch {
  std::size_t equal = 0;
  std::vector<RowDifference> differences = {};
};

// Both are JSON objects. An expected row is compared by the columns it has. Numbers are compared as numbers, DOUBLE up
// to a billionth of their size, times as instants. Rows that came with `_op` are first made into the rows that remain,
// unless an expected row has `_op`. `ordered`: in the order they came.
RowMatch match_rows(const Schema& schema, const std::vector<std::string>& expected,
                    const std::vector<std::string>& actual, bool ordered);

// Columns of expected rows that are not in the schema, each once: index of its row, name.
std::vector<std::pair<std::size_t, std::string>> unknown_columns(const Schema& schema,
                                                                 const std::vector<std::string>& expected);

}  // namespace stream
