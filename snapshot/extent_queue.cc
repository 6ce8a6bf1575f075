#include "snapshot/extent_queue.h"

#include <algorithm>

#include "transport/base/check.h"

namespace stream {

void ExtentQueue::grow(std::size_t count) {
  if (count <= size()) return;
  STREAM_CHECK(count < kNone);
  places_.resize(count, Place::kOutside);
  links_.resize(count, {kNone, kNone});
}

void ExtentQueue::append(Extent extent, Place place) {
  List& list = list_of(place);
  links_[extent] = {list.last, kNone};
  (list.last == kNone ? list.first : links_[list.last].next) = extent;
  list.last = extent;
  ++list.count;
  places_[extent] = place;
}

void ExtentQueue::take_out(Extent extent) {
  List& list = list_of(places_[extent]);
  const Links links = links_[extent];
  (links.previous == kNone ? list.first : links_[links.previous].next) = links.next;
  (links.next == kNone ? list.last : links_[links.next].previous) = links.previous;
  --list.count;
}

void ExtentQueue::enter(Extent extent) {
  STREAM_CHECK(places_[extent] == Place::kOutside);
  places_[extent] = Place::kAway;
  ++away_;
}

void ExtentQueue::admit(Extent extent) {
  if (places_[extent] == Place::kResting) {
    take_out(extent);
  } else {
    STREAM_CHECK(places_[extent] == Place::kAway);
    --away_;
  }
  append(extent, Place::kActive);
}

void ExtentQueue::forget(Extent extent) {
  if (places_[extent] == Place::kAway) {
    --away_;
  } else if (places_[extent] != Place::kOutside) {
    take_out(extent);
  }
  places_[extent] = Place::kOutside;
}

// What came together stands together, so a run ends where the next in the list is not the next in memory.
template <class Move>
ExtentQueue::Run ExtentQueue::take_run(const List& from, const Move& move) {
  Run run{from.first, 0, false};
  while (run.count < kRunMax && from.first == run.first + run.count) {
    move(from.first);
    ++run.count;
  }
  return run;
}

std::optional<ExtentQueue::Run> ExtentQueue::rest() {
  if (lists_[0].count * 4 <= in_memory() * 3 || lists_[0].count <= kActiveLeast) return std::nullopt;
  return take_run(lists_[0], [this](Extent extent) {
    take_out(extent);
    append(extent, Place::kResting);
  });
}

std::optional<ExtentQueue::Run> ExtentQueue::leave() {
  const bool rested = lists_[1].count != 0;
  const List& from = lists_[rested ? 1 : 0];
  if (from.count == 0) return std::nullopt;
  Run run = take_run(from, [this](Extent extent) {
    take_out(extent);
    places_[extent] = Place::kAway;
    ++away_;
  });
  run.rested = rested;
  return run;
}

ExtentQueue::Extent ExtentQueue::ahead(Extent extent) {
  ahead_ = extent == expected_ ? std::min(ahead_ * 2, kRunMax) : 1;
  Extent count = 1;
  while (count < ahead_ && extent + count < size() && places_[extent + count] == places_[extent]) ++count;
  expected_ = extent + count;
  return count;
}

}  // namespace stream
