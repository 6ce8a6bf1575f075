// Watermarks: how far event time has come. Pure bookkeeping.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "stages/kit/stage.h"
#include "transport/base/clock.h"

namespace stream {

// The watermark of an instance: the minimum over its input channels that are not idle. It never
// goes back, also where an idle channel comes alive with an older one.
class WatermarkMerger {
 public:
  explicit WatermarkMerger(std::size_t channels) : channels_(channels) {}

  // What a restored instance had reached.
  void restore(Microseconds watermark) { merged_ = watermark; }

  // Notes what a frame of the channel said. True if the merged watermark has risen, or all
  // channels have become idle, or one has ceased to be.
  bool update(std::size_t channel, Microseconds watermark, bool idle);

  // It has other channels from now on: each goes on as one it had, or knows nothing yet.
  void replace(std::span<const std::optional<std::size_t>> kept);

  Microseconds merged() const { return merged_; }
  bool idle() const { return idle_; }  // every channel is
  // The channel that is behind the others, if one is: it holds the watermark back.
  std::optional<std::size_t> slowest() const;

 private:
  struct Channel {
    Microseconds watermark = kNoWatermark;
    bool idle = false;
  };
  std::vector<Channel> channels_;
  Microseconds merged_ = kNoWatermark;
  bool idle_ = false;
};

// The watermark of a source: the highest timestamp seen less `out_of_order`, per split. A source
// that reads one split after the other gives no watermark before it reads the last one, as an
// unread split may hold anything; one that reads several at once gives the lowest.
class WatermarkGenerator {
 public:
  // idle_after: without records for so long a split holds nothing back; 0 = never.
  WatermarkGenerator(Microseconds out_of_order, Microseconds idle_after)
      : out_of_order_(out_of_order), idle_after_(idle_after) {}

  void restore(Microseconds watermark) { watermark_ = watermark; }
  // What splits() gave before; their idle time begins now.
  void restore_split(std::uint64_t split, Microseconds highest, Microseconds now) { splits_[split] = {highest, now}; }

  void forget_splits() { splits_.clear(); }

  void observe(const Column& time, SplitView split, Microseconds now);
  // `open`: does the split still exist? bool(std::uint64_t)
  template <class Open>
  void advance(SplitView split, Microseconds now, const Open& open) {
    std::erase_if(splits_, [&](const auto& entry) { return !split.sequential && !open(entry.first); });
    advance(split, now);
  }
  void advance(SplitView split, Microseconds now);

  // What the source itself has said: no row before it will come.
  void promise(Microseconds watermark) { watermark_ = std::max(watermark_, watermark); }
  // When the next split becomes idle if nothing comes; nothing: none will.
  std::optional<Microseconds> idle_due(Microseconds now) const;

  // The highest timestamp of each split: part of a snapshot where several are read at once.
  std::map<std::uint64_t, Microseconds> highest_by_split() const;

  Microseconds watermark() const { return watermark_; }
  bool idle() const { return idle_; }

 private:
  struct Split {
    Microseconds highest = kNoWatermark;
    Microseconds last_record = 0;  // monotonic
  };
  Microseconds out_of_order_;
  Microseconds idle_after_;
  std::map<std::uint64_t, Split> splits_;
  Microseconds watermark_ = kNoWatermark;
  bool idle_ = false;
};

}  // namespace stream
