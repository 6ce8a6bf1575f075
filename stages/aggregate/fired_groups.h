// FiredGroups: up to when the windows of every key group have been fired, across changes of parallelism.
//
// Instances see watermarks at different times, and a key group may go on with an instance that knows of an
// earlier one. Slices outlive the first windows they belong to; those must not be fired a second time.
#pragma once

#include <vector>

#include "snapshot/state_table.h"
#include "stages/kit/stage.h"
#include "transport/record/key.h"

namespace stream {

class FiredGroups {
 public:
  // A row a key group, whose key is some number that belongs to it.
  static TableSpec spec(const TableSpec& slices);

  // `table` outlives it.
  // `single`: all rows are one group, on instance 0.
  FiredGroups(StateTable& table, const Context& context, bool single);

  void restored();
  // Before a snapshot: this instance has fired all windows that end at or before `until`.
  void save(Microseconds until);
  // All windows up to `until` have been fired here: what was known of other instances is history.
  void reached(Microseconds until);

  bool empty() const { return until_.empty(); }
  // Need !empty(). The hash is that of the `by` columns, or 0.
  Microseconds until(std::uint64_t hash) const { return until_[key_group_of(hash, key_groups_).value()]; }
  bool fired(std::uint64_t hash, Microseconds end) const { return end <= until(hash); }

 private:
  void find_numbers();

  StateTable& table_;
  std::uint32_t key_groups_;
  KeyGroupRange mine_;
  std::vector<std::int64_t> numbers_;  // by key group, of those that are mine; empty until needed
  std::vector<Microseconds> until_;    // by key group; empty: as far as this instance has come
  Microseconds latest_ = kNoWatermark;
};

}  // namespace stream
