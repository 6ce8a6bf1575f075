// Results: output rows of groups, read from the state table.
#pragma once

#include <span>
#include <vector>

#include "snapshot/state_table.h"
#include "stages/aggregate/design.h"
#include "transport/record/batch.h"

namespace stream {

// The output columns of some groups. A row that could not be computed is not there for readers.
struct Computed {
  std::vector<Column> columns;
  std::vector<RowError> errors;      // ascending, once a row
  std::vector<std::uint8_t> failed;  // 1 a failed row; empty = none

  bool ok(std::size_t row) const { return failed.empty() || failed[row] == 0; }
};

class Results {
 public:
  // `values`: the design's tables of values. `output`: what is read of the results, by name. References outlive it.
  Results(const AggregateDesign& design, const StateTable& table, std::vector<StateTable*> values, SchemaPtr output);

  const SchemaPtr& schema() const { return output_; }
  // `window`: of the groups, where the design says that it is given.
  Computed compute(std::span<const Row> groups, WindowSpan window = {}) const;
  // Some row makes the group, and has not been taken back.
  bool alive(Row group) const {
    return design_.row_count == kNone || table_.get<std::int64_t>(group, design_.row_count) > 0;
  }

 private:
  struct Source {
    enum class Kind : std::uint8_t { kKey, kWindowStart, kWindowEnd, kComputed } kind = Kind::kKey;
    std::size_t index = 0;  // of the table's column, or of the computed output
  };
  Source source_of(const std::string& name) const;
  Column call_result(std::span<const Row> groups, std::size_t call, std::vector<RowError>* errors) const;
  Column quotients(std::span<const Row> groups, std::size_t call, std::vector<RowError>* errors) const;
  // --- call_results.cc
  Column variances(std::span<const Row> groups, std::size_t call) const;
  double variance(Row group, const CallState& state, const AggregateCall& call, std::int64_t count) const;
  Column truths(std::span<const Row> groups, std::size_t call) const;
  Column estimates(std::span<const Row> groups, std::size_t call) const;
  Column lists(std::span<const Row> groups, std::size_t call) const;
  Column spreads(std::span<const Row> groups, std::size_t call) const;
  std::vector<Row> values_of(Row group, std::size_t call) const;
  std::int64_t times(Row value, std::size_t call) const;
  Column bounds(std::span<const Row> groups, WindowSpan window, bool end) const;
  Column window_ends(std::span<const Row> groups) const;
  Column session_ends(std::span<const Row> groups) const;
  void find_overflows(std::span<const Row> groups, std::vector<RowError>* errors) const;

  const AggregateDesign& design_;
  const StateTable& table_;
  std::vector<StateTable*> values_;
  SchemaPtr output_;
  std::vector<Source> sources_;
  std::vector<bool> needed_;  // of Aggregation::schema
};

// For every row 1 if the two differ in it; both have the same columns and rows.
std::vector<std::uint8_t> differing_rows(const Computed& a, const Computed& b, std::size_t rows);

// Rows of `before` and `after` in any order: 2 * row takes from before, 2 * row + 1 from after.
Column pick(const Column& before, const Column& after, std::span<const std::uint32_t> picks);

}  // namespace stream
