#include "stages/generate/row_numbers.h"

#include <algorithm>
#include <utility>

#include "snapshot/state_store.h"
#include "transport/record/key.h"

namespace stream {
namespace {

// Rows that fall due within a millisecond come together: to wake for each would cost a core.
constexpr Microseconds kNapMin = 1'000;

std::uint64_t hash_of_lane(std::int64_t lane) {
  ColumnBuilder key(kBigint);
  key.append(lane);
  const Batch one{nullptr, 1, {key.finish()}, {}};
  std::string encoded;
  const std::size_t columns_of_key[] = {0};
  append_key(one, columns_of_key, 0, encoded);
  return hash_key(encoded);
}

}  // namespace

TableSpec RowNumbers::table_spec() {
  TableSpec spec;
  spec.name = "lanes";
  spec.distribution = Distribution::kSplit;
  spec.key = {{"lane", kBigint}};
  spec.value = {{"next", kBigint}};
  return spec;
}

RowNumbers::RowNumbers(const Context& context)
    : positions_(context.state.table(table_spec())),
      clock_(context.clock),
      rows_(context.options.has("rows") ? context.options.integer("rows") : INT64_MAX - kLanes),
      rate_(context.options.has("rate")
                ? std::max<std::int64_t>(1, context.options.integer("rate") / context.parallelism)
                : 0) {
  for (std::int64_t lane = 0; lane < kLanes; ++lane) {
    if (owner_of_split(hash_of_lane(lane), context.parallelism) == context.instance) lanes_.push_back({lane, lane});
  }
}

void RowNumbers::restore() {
  for (Lane& lane : lanes_) {
    if (const Row row = positions_.find({Cell(lane.id)})) lane.next = positions_.get<std::int64_t>(row, 1);
  }
  in_step_ = false;
}

void RowNumbers::save() {
  for (const Lane& lane : lanes_) {
    const Row row = positions_.upsert({Cell(lane.id)}).first;
    positions_.set(row, 1, lane.next);
  }
}

std::span<const std::int64_t> RowNumbers::next(std::int64_t at_most) {
  std::int64_t count = left(at_most);
  if (count > 0) count = allowed(in_order(count));
  made_ += count;
  numbers_.resize(static_cast<std::size_t>(count));
  for (std::int64_t& number : numbers_) number = take();
  return numbers_;
}

// Rows that are left in the lanes of this instance, counted only as far as is asked for.
std::int64_t RowNumbers::left(std::int64_t at_most) const {
  std::int64_t count = 0;
  for (const Lane& lane : lanes_) {
    if (lane.next < rows_) count += (rows_ - lane.next + kLanes - 1) / kLanes;
    if (count >= at_most) return at_most;
  }
  return count;
}

// Lanes of instances that were not equally far are not in step after a change of parallelism: then
// the one behind comes alone until it has caught up with the next.
std::int64_t RowNumbers::in_order(std::int64_t wanted) {
  if (in_step_) return wanted;
  std::ranges::sort(lanes_, {}, &Lane::next);
  head_ = 0;
  in_step_ = lanes_.back().next - lanes_.front().next < kLanes;
  if (in_step_) return wanted;
  const std::int64_t gap = lanes_[1].next - lanes_[0].next;
  return std::min(wanted, std::max<std::int64_t>(1, gap / kLanes));
}

// How many of `wanted` rows the rate allows now.
std::int64_t RowNumbers::allowed(std::int64_t wanted) {
  if (rate_ == 0) return wanted;
  const Microseconds now = clock_.monotonic_us();
  if (began_ < 0) began_ = now;
  wait_ = std::max(kNapMin, 1'000'000 / rate_);
  return std::clamp<std::int64_t>(due(now) - made_, 0, wanted);
}

// Rows that it should have made, since it began.
std::int64_t RowNumbers::due(Microseconds now) const {
  return static_cast<std::int64_t>(static_cast<double>(now - began_) * static_cast<double>(rate_) / 1e6) + 1;
}

std::optional<std::uint64_t> RowNumbers::pending() const {
  if (rate_ == 0 || began_ < 0) return std::nullopt;
  const std::int64_t late = std::max<std::int64_t>(0, due(clock_.monotonic_us()) - made_);
  return static_cast<std::uint64_t>(left(late));
}

// The next row's number; its lane moves on, behind all others while they are in step.
std::int64_t RowNumbers::take() {
  if (!in_step_) head_ = 0;
  Lane& lane = lanes_[head_];
  head_ = head_ + 1 == lanes_.size() ? 0 : head_ + 1;
  return std::exchange(lane.next, lane.next + kLanes);
}

}  // namespace stream
