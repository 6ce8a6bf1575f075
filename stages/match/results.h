// MatchResults: the matches found, on their way out.
#pragma once

#include <span>
#include <vector>

#include "stages/kit/stage.h"
#include "stages/match/open_rows.h"

namespace stream {

class MatchResults {
 public:
  // `output`: null where nothing reads it. `design` and `table` outlive it.
  MatchResults(const MatchDesign& design, const StateTable& table, SchemaPtr output);

  // The sequence's first rows are a match, and this is the variable of each.
  void add(const OpenRows& sequence, std::span<const std::uint32_t> variables);
  bool full() const;
  Status emit(Emitter& out);

 private:
  void add_row(const OpenRows& sequence, std::size_t row, const MatchHistory& history);

  // Where a column of the output comes from.
  struct Source {
    const Expression* measure = nullptr;  // over the values; null: a column of the table
    std::size_t column = kNone;           // of the table
    std::size_t builder = kNone;
  };

  const MatchDesign& design_;
  const StateTable& table_;
  SchemaPtr output_;
  MatchValues values_;
  std::vector<Source> sources_;
  std::vector<ColumnBuilder> builders_;  // the values wanted, then the columns copied
  std::size_t rows_ = 0;
  std::vector<RowError> errors_;
};

}  // namespace stream
