// Changes: what happened to a table's rows, by generation (the interval between two captures).
//
// A capture needs all changes since the last capture known complete, so the lists of every
// generation since then are kept; a row stands in a list only under the generation its header
// names, so each comes once.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "snapshot/row.h"
#include "snapshot/row_layout.h"
#include "snapshot/row_pack.h"

namespace stream {

// Rows of an append-only table that came in one generation. Some may have left since, and their memory may have been
// given to others before the capture: those are of another generation. While the capture's pin is held it is not.
struct SealedRows {
  std::uint32_t generation = 0;
  std::shared_ptr<const std::vector<Row>> rows;
};

class Changes {
 public:
  explicit Changes(bool track) : track_(track) {
    if (track) start(1);
  }
  // For a table opened later than others: before anything has changed.
  void begin_at(std::uint32_t generation) {
    if (!track_) return;
    intervals_.clear();
    start(generation);
  }

  // Off: rows carry generation 0 for ever and no list grows.
  void touch(Row row) {
    if (RowLayout::generation(row) == generation_) return;
    RowLayout::generation(row) = generation_;
    intervals_.back().dirty.push_back(row);
  }

  // The row is about to go. Only rows that some capture holds leave a tombstone.
  void erased(const RowLayout& layout, Row row);
  // The same of a row that no capture copied, but whose memory captures may refer to.
  void erased_appended(const RowLayout& layout, Row row);
  // Rows below `time` are about to go, one call of erased_below() each before. A row that changed
  // lately may stand under another time in the files, so it gets a tombstone of its own unless its
  // time is part of the key.
  void erased_before(std::int64_t time);
  void erased_below(const RowLayout& layout, Row row, bool time_in_key);
  // Every row is gone, its memory too.
  void cleared();

  // Ends the current generation: `generation` + 1 begins. Calls visit(Row) once for every live row
  // changed after generation `completed`.
  template <class Visit>
  void capture(std::uint64_t completed, const Visit& visit) {
    forget_through(completed);
    for (const Interval& interval : intervals_) {
      const std::size_t count = interval.dirty.size();
      for (std::size_t i = 0; i < count; ++i) {
        if (i + kAhead < count) __builtin_prefetch(interval.dirty[i + kAhead].at, 1);
        const Row row = interval.dirty[i];
        if (RowLayout::generation(row) == interval.generation && RowLayout::live(row)) visit(row);
      }
    }
    start(generation_ + 1);
  }

  // The same for a table whose rows never change: nothing is visited, the rows are told by reference.
  std::vector<SealedRows> seal(std::uint64_t completed);

  std::size_t dirty_bound() const;  // at least as many rows as capture() will visit
  std::optional<std::int64_t> before(std::uint64_t completed) const;
  bool cleared_since(std::uint64_t completed) const;
  std::vector<std::shared_ptr<const RowPack>> tombstones(std::uint64_t completed) const;
  std::size_t size_bytes() const;
  std::uint32_t generation() const { return generation_; }

 private:
  static constexpr std::size_t kAhead = 16;
  struct Interval {
    std::uint32_t generation = 0;
    std::vector<Row> dirty;
    std::vector<SealedRows> sealed;                    // instead of `dirty`, once seal() has ended the generation
    std::vector<std::shared_ptr<RowPack>> tombstones;  // not changed once the interval is over
    std::optional<std::int64_t> before;
    bool cleared = false;
  };
  void start(std::uint32_t generation);
  void join_oldest();
  static void join_sealed(Interval& from, Interval& to);
  static SealedRows left_of(const SealedRows& part);
  void forget_through(std::uint64_t completed);

  bool track_;
  bool appended_leave_ = false;  // one by one, so that what is told by reference must be looked through
  std::uint32_t generation_ = 0;
  std::deque<Interval> intervals_;
};

}  // namespace stream
