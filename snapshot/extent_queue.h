// ExtentQueue: which pieces (extents) of spilled state are in memory, and which of them leaves next. Pure.
//
// Two lists, first in, first out. Who comes in is active. When the active ones are more than three quarters, the
// oldest of them rests: it is still in memory, but the next touch of it is noticed and makes it active again. Who is
// not touched until it is the oldest of the resting ones leaves. So what is used often stays, and nothing has to be
// counted while it is used.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

namespace stream {

class ExtentQueue {
 public:
  using Extent = std::uint32_t;
  enum class Place : std::uint8_t { kOutside, kAway, kActive, kResting };

  // Makes room for extents below `count`; new ones are outside. Nothing else allocates.
  void grow(std::size_t count);
  std::size_t size() const { return places_.size(); }

  Place place(Extent extent) const { return places_[extent]; }
  void enter(Extent extent);   // outside -> away
  void admit(Extent extent);   // away or resting -> active
  void forget(Extent extent);  // -> outside

  std::size_t in_memory() const { return lists_[0].count + lists_[1].count; }
  std::size_t away() const { return away_; }

  // Extents that follow each other, for one system call.
  struct Run {
    Extent first = 0;
    Extent count = 0;
    bool rested = false;
  };
  static constexpr Extent kRunMax = 16;
  // Never rest, or what has just come might be refused before it was used.
  static constexpr std::size_t kActiveLeast = 4 * std::size_t{kRunMax};
  // The next ones to rest, where there are too many active ones.
  std::optional<Run> rest();
  // The next ones to leave, and whether they rested; nothing if none is in memory.
  std::optional<Run> leave();
  // How many from this one on should be admitted together: more and more while they are asked for one after the other.
  Extent ahead(Extent extent);

 private:
  static constexpr Extent kNone = UINT32_MAX;
  struct List {
    Extent first = kNone;
    Extent last = kNone;
    std::size_t count = 0;
  };
  struct Links {
    Extent previous;
    Extent next;
  };
  List& list_of(Place place) { return lists_[place == Place::kActive ? 0 : 1]; }
  void append(Extent extent, Place place);
  void take_out(Extent extent);
  template <class Move>
  Run take_run(const List& from, const Move& move);

  std::vector<Place> places_;
  std::vector<Links> links_;
  std::array<List, 2> lists_;  // active, resting
  std::size_t away_ = 0;
  Extent expected_ = kNone;  // the one behind those that were last admitted ahead
  Extent ahead_ = 1;
};

}  // namespace stream
