// Partial rows: what an aggregate adds up in front of the hop, for the one behind it to merge.
//
// They travel as rows of the input, which have the columns of the accumulators besides: a partial row has its key, its
// window's or slice's start as its time, and these; a row that goes on as it was has its own columns, and these are
// NULL.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "stages/aggregate/accumulators.h"
#include "stages/aggregate/design.h"
#include "stages/kit/plan.h"

namespace stream {

// Names of the columns that partial rows add begin so.
inline constexpr std::string_view kPartialPrefix = "_partial_";

// Why rows of one group cannot be added up before they come to it; "" if they can.
std::string why_not_combined(const AggregateDesign& design, const Schema& input);
// The sum of the same values can differ by the order in which they are added.
std::optional<std::string> depends_on_order(const AggregateDesign& design);

// The same calls, in a table of groups that are in no snapshot, and how many rows each has.
AggregateDesign partial_design(const AggregateDesign& design, const Schema& input);

// The columns a partial row adds to those of the input: the value columns of the partial design.
std::vector<Field> partial_fields(const AggregateDesign& partial);
// Rows as they travel.
Schema partial_schema(const AggregateDesign& partial, const Schema& input);

// How many leading columns are those of the rows as they were.
std::size_t whole_columns(const Schema& input);

// Partial rows as accumulators to merge from.
class PartialRows {
 public:
  // Errors: kUsage where the input has no partial rows of this design.
  static Result<std::unique_ptr<PartialRows>> make(const AggregateDesign& design, const Schema& input);

  // The row stands for many.
  bool partial(const Batch& batch, std::size_t row) const { return batch.columns[rows_column_].valid(row); }
  // Where the rows that are like row `begin` in this end.
  std::size_t same_until(const Batch& batch, std::size_t begin) const;
  std::uint64_t rows_in(const Batch& batch, std::span<const std::uint32_t> rows) const;

  // When the rows that partial ones stand for touch their groups; they have event time.
  TouchTimes touch_times(const Batch& batch) const;
  // Valid until the next call. All rows are partial.
  const MergeFrom& load(const Batch& batch);

 private:
  PartialRows(AggregateDesign design, std::vector<std::size_t> columns);

  const AggregateDesign design_;      // keyed by the number of the row
  std::vector<std::size_t> columns_;  // of the input, by value column
  std::size_t rows_column_ = 0;
  StateTable table_;
  std::vector<Row> found_;
  MergeFrom from_;
};

}  // namespace stream
