// Accumulators: the calls of an aggregate over the rows of its state tables, a batch at a time.
//
// Every call is one tight loop over the batch. Nothing of a batch stays when it does not fit: a sum out
// of range takes back what the batch had added, and the operator tries its rows one by one.
#pragma once

#include <span>
#include <vector>

#include "snapshot/state_table.h"
#include "stages/aggregate/design.h"
#include "stages/aggregate/row_set.h"

namespace stream {

// What the rows of one batch add to.
struct AddTo {
  std::span<const Row> rows;               // a group each, as many as the batch has rows
  std::span<const std::uint8_t> inserted;  // 1 where the row made its group
  const Batch* keys = nullptr;             // the group's key columns: by, window_start; none if global
};

// Where accumulators are merged from: rows of a table with the same calls.
struct MergeFrom {
  const StateTable& table;
  const AggregateDesign& design;  // of that table
  std::span<const Row> rows;
};

class Accumulators {
 public:
  // All references outlive it. `distinct` as in the design.
  Accumulators(const AggregateDesign& design, StateTable& table, std::vector<StateTable*> distinct);

  // Computes arguments and filters of a batch. `errors` gets the rows that failed, ascending, once each;
  // if there are any, add() must not follow.
  void evaluate(const Batch& batch, std::vector<RowError>* errors);

  // Adds the batch evaluated last. False if something is out of range: all is then as before, but for
  // the groups the rows made. overflow() says what.
  bool add(const Batch& batch, const AddTo& to);
  // Instead of evaluate(): what the next add() adds has been accumulated, a row of these for each of the batch.
  void take_partial(const MergeFrom& partial) { partial_ = &partial; }
  const char* overflow() const { return overflow_; }

  // Adds to each group what another row has accumulated; what DISTINCT calls add up is left to merge_values(). A
  // sum that leaves its range marks its group in the design's `overflow` column. Groups may repeat, and
  // were started once. Marks no row as changed.
  void start(std::span<const Row> groups, std::span<const std::uint8_t> inserted);
  void merge(const MergeFrom& from, std::span<const Row> groups);
  // Adds to each group a value of the call's table of values. `values`: the key columns of that table, and how often
  // where it says so.
  void merge_values(std::size_t call, const Batch& values, std::span<const Row> groups);

  // State came from a snapshot, or is merged: values may be NULL.
  void restored();

 private:
  struct Call {
    const AggregateCall* call = nullptr;
    CallState state;
    Keeps keeps = Keeps::kCount;
    bool maybe_null = false;  // some group may have no value
    Column argument;
    std::vector<std::uint8_t> mask;  // rows that count
    bool masked = false;             // else all do

    // Rows of the table of values that this batch counts, and which of its rows do.
    std::vector<Row> seen;
    std::vector<std::uint32_t> seen_by;
    std::vector<Row> made;  // inserted by this batch

    const std::uint8_t* chosen() const { return masked ? mask.data() : nullptr; }
    bool exact_sum() const;  // checked, and taken back exactly
    bool double_sum() const;
    bool checked() const { return exact_sum() || keeps == Keeps::kList; }
    bool extreme() const { return keeps == Keeps::kExtreme; }
    bool nullable() const;     // the value is NULL until there is one
    bool begins_null() const;  // … even if the group's first row counts
  };

  void evaluate_call(Call& call, const Batch& batch, std::vector<RowError>* errors);
  void prepare_argument(Call& call, const Batch& batch, std::vector<RowError>* errors);
  void evaluate_filter(Call& call, const Batch& batch, std::vector<RowError>* errors);
  void choose_signs(const Batch& batch);
  bool add_checked(Call& call, const AddTo& to, bool undo);
  bool add_exact(Call& call, const AddTo& to, bool undo);
  template <class T>
  bool add_exact(Call& call, const AddTo& to, bool undo);
  void add_double(Call& call, const AddTo& to);
  void add_count(std::size_t column, const std::uint8_t* mask, const AddTo& to);
  void prepare_nulls(Call& call, const AddTo& to);
  void clear_nulls(Call& call, const AddTo& to);
  void add_extreme(Call& call, const AddTo& to);
  void add_rest(Call& call, const AddTo& to);

  // --- values.cc
  void add_values(Call& call, const AddTo& to, const Batch& batch);
  Column order_of(Call& call, const AddTo& to, const Batch& batch);
  void count_value(Call& call, Row value, std::uint32_t row);
  bool add_length(Call& call, const AddTo& to, bool undo);
  void forget_values(Call& call, const AddTo& to);
  void settle_values(Call& call);
  void add_changing_extreme(Call& call, const AddTo& to);
  void find_extremes(Call& call, std::span<const Row> groups);
  int sign(std::size_t row) const { return signs_ == nullptr ? 1 : signs_[row]; }

  // --- states.cc
  void add_squares(Call& call, const AddTo& to);
  void add_distances(Call& call, const AddTo& to);
  void add_truths(Call& call, const AddTo& to);
  void add_rows(Call& call, const AddTo& to);
  void add_sketch(Call& call, const AddTo& to);
  void merge_squares(const Call& call, const CallState& state, const MergeFrom& from, std::span<const Row> groups);
  void merge_distances(const Call& call, const CallState& state, const MergeFrom& from, std::span<const Row> groups);
  bool replaces(const Call& call, const CallState& state, const MergeFrom& from, std::size_t i, Row group) const;
  void merge_rows(const Call& call, const CallState& state, const MergeFrom& from, std::span<const Row> groups);
  void merge_sketch(const Call& call, const CallState& state, const MergeFrom& from, std::span<const Row> groups);

  // --- merge_partial.cc
  bool add_partial(const AddTo& to);
  bool partial_fits(const Call& call, std::span<const Row> groups);
  template <class T>
  bool partial_fits(const Call& call, std::span<const Row> groups) const;

  // --- merge.cc
  void merge_call(const Call& call, const CallState& state, const MergeFrom& from, std::span<const Row> groups);
  void merge_sum(const Call& call, const CallState& state, const MergeFrom& from, std::span<const Row> groups);
  template <class T>
  void merge_exact(const Call& call, const CallState& state, const MergeFrom& from, std::span<const Row> groups);
  template <class T, class Combine>
  void combine(const Call& call, std::size_t column, const MergeFrom& from, std::span<const Row> groups,
               const Combine& combine);
  void merge_counts(std::size_t column, std::size_t from_column, const MergeFrom& from, std::span<const Row> groups);
  void merge_extreme(const Call& call, const CallState& state, const MergeFrom& from, std::span<const Row> groups);
  void mark_overflow(Row group);
  void merge_lengths(const Call& call, const CallState& state, const MergeFrom& from, std::span<const Row> groups);
  void sum_values(Call& call, const AddTo& to);

  const AggregateDesign& design_;
  StateTable& table_;
  std::vector<StateTable*> distinct_;
  std::vector<Call> calls_;
  const MergeFrom* partial_ = nullptr;  // the batch is of partial rows
  const std::int8_t* signs_ = nullptr;  // null: all rows are added
  std::vector<std::int8_t> sign_of_;
  std::vector<std::uint32_t> fresh_;     // rows that made their group
  std::vector<std::uint32_t> no_fresh_;  // empty
  Column times_;                         // event times of the batch, if a call needs them
  const char* overflow_ = "";
  std::vector<std::uint64_t> hashes_;
  std::vector<Row> found_;
  std::vector<std::uint8_t> new_;
  std::vector<std::uint32_t> picked_;
  RowSet touched_;
};

// Rows of a table of values that are of one group, which stands in `groups`.
std::vector<Row> values_of_group(const AggregateDesign& design, const StateTable& groups, Row group,
                                 const StateTable& values);

}  // namespace stream
