// Accumulators: the calls of an aggregate over the rows of its state tables, a batch at a time.
//
// Every call is one tight loop over the batch. Nothing of a batch stays when it does not fit: a sum out
// of range takes back what the batch had added, and the operator tries its rows one by one.
#pragma once

#include <span>
#include <vector>

#include "snapshot/state_table.h"
#include "stages/aggregate/design.h"

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
  const char* overflow() const { return overflow_; }

  // Adds to each group what another row has accumulated; DISTINCT calls are left to merge_values(). A
  // sum that leaves its range marks its group in the design's `overflow` column. Groups may repeat, and
  // were started once. Marks no row as changed.
  void start(std::span<const Row> groups, std::span<const std::uint8_t> inserted);
  void merge(const MergeFrom& from, std::span<const Row> groups);
  // Adds to each group a value of a DISTINCT call, if it has not seen it. `values`: the key columns of the
  // call's table; the last one is the value.
  void merge_values(std::size_t call, const Batch& values, std::span<const Row> groups);

  // State came from a snapshot, or is merged: values may be NULL.
  void restored();

 private:
  struct Call {
    const AggregateCall* call = nullptr;
    CallState state;
    bool maybe_null = false;  // some group may have no value
    Column argument;
    std::vector<std::uint8_t> mask;  // rows that count
    bool masked = false;             // else all do
    std::vector<Row> seen;           // of the distinct table: inserted by this batch

    const std::uint8_t* chosen() const { return masked ? mask.data() : nullptr; }
    bool exact_sum() const;  // checked, and taken back exactly
    bool double_sum() const;
    bool extreme() const;
    bool nullable() const;  // the value is NULL until there is one
  };

  void evaluate_call(Call& call, const Batch& batch, std::vector<RowError>* errors);
  void evaluate_filter(Call& call, const Batch& batch, std::vector<RowError>* errors);
  void choose_signs(const Batch& batch);
  void choose_distinct(Call& call, const AddTo& to);
  void forget_distinct();
  bool add_exact(Call& call, const AddTo& to, bool undo);
  template <class T>
  bool add_exact(Call& call, const AddTo& to, bool undo);
  void add_double(Call& call, const AddTo& to);
  void add_count(std::size_t column, const std::uint8_t* mask, const AddTo& to);
  void prepare_nulls(Call& call, const AddTo& to);
  void clear_nulls(Call& call, const AddTo& to);
  void add_extreme(Call& call, const AddTo& to);
  void add_rest(Call& call, const AddTo& to);

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
  void sum_values(Call& call, const AddTo& to);

  const AggregateDesign& design_;
  StateTable& table_;
  std::vector<StateTable*> distinct_;
  std::vector<Call> calls_;
  const std::int8_t* signs_ = nullptr;  // null: all rows are added
  std::vector<std::int8_t> sign_of_;
  std::vector<std::uint32_t> fresh_;  // rows that made their group
  const char* overflow_ = "";
  std::vector<std::uint64_t> hashes_;
  std::vector<Row> found_;
  std::vector<std::uint8_t> new_;
  std::vector<std::uint32_t> picked_;
};

}  // namespace stream
