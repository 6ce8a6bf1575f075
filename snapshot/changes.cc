#include "snapshot/changes.h"

#include <algorithm>

namespace stream {
namespace {

// More open generations than checkpoints may be under way come from checkpoints that keep failing;
// their lists are then joined, so that they stay within the size of the table.
constexpr std::size_t kIntervalsMax = 8;

}  // namespace

void Changes::start(std::uint32_t generation) {
  generation_ = generation;
  if (intervals_.size() >= kIntervalsMax) join_oldest();
  intervals_.push_back({generation, {}, {}, {}, std::nullopt, false});
}

void Changes::join_oldest() {
  Interval& from = intervals_[0];
  Interval& to = intervals_[1];
  for (const Row row : from.dirty) {
    if (RowLayout::generation(row) != from.generation || !RowLayout::live(row)) continue;
    RowLayout::generation(row) = to.generation;
    to.dirty.push_back(row);
  }
  join_sealed(from, to);
  to.tombstones.insert(to.tombstones.end(), from.tombstones.begin(), from.tombstones.end());
  to.before = std::max(to.before, from.before);
  to.cleared = to.cleared || from.cleared;
  intervals_.pop_front();
}

SealedRows Changes::left_of(const SealedRows& part) {
  std::vector<Row> left;
  left.reserve(part.rows->size());
  for (std::size_t i = 0; i < part.rows->size(); ++i) {
    if (i + kAhead < part.rows->size()) __builtin_prefetch((*part.rows)[i + kAhead].at);
    const Row row = (*part.rows)[i];
    if (RowLayout::generation(row) == part.generation && RowLayout::live(row)) left.push_back(row);
  }
  return {part.generation, std::make_shared<const std::vector<Row>>(std::move(left))};
}

void Changes::join_sealed(Interval& from, Interval& to) {
  std::vector<SealedRows> joined;
  for (const SealedRows& part : from.sealed) {
    SealedRows left = left_of(part);
    if (!left.rows->empty()) joined.push_back(std::move(left));
  }
  to.sealed.insert(to.sealed.begin(), joined.begin(), joined.end());
}

std::vector<SealedRows> Changes::seal(std::uint64_t completed) {
  forget_through(completed);
  Interval& now = intervals_.back();
  if (!now.dirty.empty()) {
    now.sealed.push_back({now.generation, std::make_shared<const std::vector<Row>>(std::move(now.dirty))});
    now.dirty.clear();
  }
  std::vector<SealedRows> all;
  for (const Interval& interval : intervals_) {
    for (const SealedRows& part : interval.sealed) all.push_back(appended_leave_ ? left_of(part) : part);
  }
  start(generation_ + 1);
  return all;
}

void Changes::forget_through(std::uint64_t completed) {
  while (intervals_.size() > 1 && intervals_.front().generation <= completed) intervals_.pop_front();
}

void Changes::erased(const RowLayout& layout, Row row) {
  if (!track_ || !RowLayout::captured(row)) return;
  Interval& now = intervals_.back();
  if (now.tombstones.empty()) now.tombstones.push_back(std::make_shared<RowPack>());
  now.tombstones.back()->append(layout, row, true);
}

void Changes::erased_appended(const RowLayout& layout, Row row) {
  appended_leave_ = true;
  if (!track_ || RowLayout::generation(row) == generation_) return;
  Interval& now = intervals_.back();
  if (now.tombstones.empty()) now.tombstones.push_back(std::make_shared<RowPack>());
  now.tombstones.back()->append(layout, row, true);
}

void Changes::erased_below(const RowLayout& layout, Row row, bool time_in_key) {
  if (!track_ || time_in_key) return;
  if (RowLayout::generation(row) >= intervals_.front().generation) erased(layout, row);
}

void Changes::erased_before(std::int64_t time) {
  if (track_) intervals_.back().before = std::max(intervals_.back().before, std::optional(time));
}

void Changes::cleared() {
  if (!track_) return;
  for (Interval& interval : intervals_) {
    interval.dirty.clear();
    interval.sealed.clear();
    interval.tombstones.clear();
    interval.before.reset();
  }
  intervals_.back().cleared = true;
}

std::size_t Changes::dirty_bound() const {
  std::size_t rows = 0;
  for (const Interval& interval : intervals_) rows += interval.dirty.size();
  return rows;
}

std::optional<std::int64_t> Changes::before(std::uint64_t completed) const {
  std::optional<std::int64_t> before;
  for (const Interval& interval : intervals_) {
    if (interval.generation > completed) before = std::max(before, interval.before);
  }
  return before;
}

bool Changes::cleared_since(std::uint64_t completed) const {
  return std::ranges::any_of(
      intervals_, [&](const Interval& interval) { return interval.generation > completed && interval.cleared; });
}

std::vector<std::shared_ptr<const RowPack>> Changes::tombstones(std::uint64_t completed) const {
  std::vector<std::shared_ptr<const RowPack>> packs;
  for (const Interval& interval : intervals_) {
    if (interval.generation > completed)
      packs.insert(packs.end(), interval.tombstones.begin(), interval.tombstones.end());
  }
  return packs;
}

std::size_t Changes::size_bytes() const {
  std::size_t bytes = 0;
  for (const Interval& interval : intervals_) {
    bytes += interval.dirty.capacity() * sizeof(Row);
    for (const SealedRows& part : interval.sealed) bytes += part.rows->size() * sizeof(Row);
    for (const auto& pack : interval.tombstones) bytes += pack->size_bytes();
  }
  return bytes;
}

}  // namespace stream
