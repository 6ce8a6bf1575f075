// RowNumbers: which rows of the whole stream an instance makes, and when.
//
// Row n belongs to lane n mod 64 and so, wherever a restart or another parallelism falls, to the
// instance that owns this lane. An instance makes its rows in the order of n.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "stages/kit/stage.h"

namespace stream {

class StateTable;

class RowNumbers {
 public:
  // Takes `rows`, `rate` and the place among the instances from the context.
  explicit RowNumbers(const Context& context);
  static TableSpec table_spec();

  // The next rows, at most so many; none: there are no more, or the rate allows none now. Good until the next call.
  std::span<const std::int64_t> next(std::int64_t at_most);
  bool ended() const { return left(1) == 0; }
  Microseconds idle_wait() const { return wait_; }
  std::optional<std::uint64_t> pending() const;  // that its rate would have made by now; nothing without a rate

  void restore();  // from the state table
  void save();     // into it

 private:
  // Rows id, id + kLanes, … of the stream; `next` is the first not yet made.
  struct Lane {
    std::int64_t id = 0;
    std::int64_t next = 0;
  };
  static constexpr std::int64_t kLanes = 64;  // the stream is cut into so many, dealt to the instances

  std::int64_t left(std::int64_t at_most) const;
  std::int64_t due(Microseconds now) const;
  std::int64_t in_order(std::int64_t wanted);
  std::int64_t allowed(std::int64_t wanted);
  std::int64_t take();

  StateTable& positions_;
  const Clock& clock_;
  std::int64_t rows_;  // of the whole stream
  std::int64_t rate_;  // rows a second of this instance; 0 = no limit
  std::vector<Lane> lanes_;
  std::size_t head_ = 0;  // the lane whose row is next; the others follow in a ring
  bool in_step_ = true;
  Microseconds began_ = -1;
  std::int64_t made_ = 0;  // since began_
  Microseconds wait_ = 1'000;
  std::vector<std::int64_t> numbers_;
};

}  // namespace stream
