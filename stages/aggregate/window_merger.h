// WindowMerger: adds up the slices of a window, group by group.
#pragma once

#include <memory>
#include <vector>

#include "stages/aggregate/accumulators.h"
#include "stages/aggregate/fired_groups.h"
#include "stages/aggregate/row_set.h"

namespace stream {

class WindowMerger {
 public:
  // Some groups of a window.
  struct Groups {
    std::vector<Row> rows;              // of table(), in the order of the keys
    std::vector<std::uint8_t> existed;  // 1 if there is a slice of the group
  };

  // `slices`, `values`: the tables of the design. References outlive it.
  WindowMerger(const AggregateDesign& sliced, StateTable& slices, std::vector<StateTable*> values);

  const AggregateDesign& design() const { return design_; }
  const StateTable& table() const { return table_; }
  std::vector<StateTable*> values() const;  // tables of values, as table()

  // Makes table() hold the groups of this window, but those that `fired` knows to have fired.
  void merge(WindowSpan window, const FiredGroups& fired);
  // Makes table() hold these groups of this window. `keys`: the `by` columns; different in each row.
  Groups merge_keys(const Batch& keys, WindowSpan window);
  // Rows of slices that start before `before` have changed or are gone.
  void forget(Microseconds before) {
    if (before < merged_.end) merged_ = {};
  }
  // Of rows that have the same key the first one.
  std::vector<std::uint32_t> different(const Batch& keys);

 private:
  void clear();
  void drop_fired(const FiredGroups& fired, Microseconds end);
  void add_slices(WindowSpan span, const FiredGroups& fired, Microseconds end);
  void add_values(std::size_t call, WindowSpan span);
  void add_value_rows(std::size_t call, const StateTable& from);
  void add_slice_of(const Batch& keys, std::span<const Row> groups, Groups* found);
  void add_values_of(std::size_t call, const Batch& keys, std::span<const Row> groups);
  void read_keys(const StateTable& from);
  void upsert_keys();

  const AggregateDesign& sliced_;
  const AggregateDesign design_;
  StateTable& slices_;
  std::vector<StateTable*> values_;
  StateTable table_;
  std::vector<std::unique_ptr<StateTable>> merged_values_;
  Accumulators accumulators_;
  WindowSpan merged_;  // what table_ holds, if it is a whole window: one that begins where it does can go on from it
  std::vector<std::size_t> by_;  // 0, 1, …

  std::vector<Row> rows_;  // of slices_ or of one of values_, with the groups they belong to
  std::vector<Row> groups_;
  Batch keys_;
  std::vector<std::uint64_t> hashes_;
  std::vector<std::uint8_t> inserted_;
};

}  // namespace stream
