#include "stages/kit/channel_watermarks.h"

#include <algorithm>

namespace stream {
namespace {

SplitView at_once(std::uint64_t id) { return {id, 0, false}; }

}  // namespace

ChannelWatermarks::ChannelWatermarks(std::uint32_t instance, std::size_t channels, WatermarkGenerator generator)
    : instance_(instance), channels_(channels), generator_(std::move(generator)) {}

void ChannelWatermarks::start(Microseconds now) {
  for (std::size_t channel = 0; channel < channels_; ++channel) {
    generator_.restore_split(id(channel), kNoWatermark, now);
  }
}

bool ChannelWatermarks::all_there(const std::map<std::uint64_t, Microseconds>& kept) const {
  const auto end = kept.lower_bound((std::uint64_t{instance_} + 1) << 32);
  return static_cast<std::size_t>(std::distance(kept.lower_bound(id(0)), end)) == channels_;
}

// A channel that brings other rows than it did goes on from what was sure for all of them.
void ChannelWatermarks::restore(Microseconds watermark, const std::map<std::uint64_t, Microseconds>& kept,
                                bool as_before, Microseconds now) {
  generator_.restore(watermark);
  if (kept.empty()) return;
  const bool same = as_before && all_there(kept);
  const auto by_time = [](const auto& a, const auto& b) { return a.second < b.second; };
  const Microseconds lowest = std::ranges::min_element(kept, by_time)->second;
  for (std::size_t channel = 0; channel < channels_; ++channel) {
    generator_.restore_split(id(channel), same ? kept.at(id(channel)) : lowest, now);
  }
}

void ChannelWatermarks::replace(std::span<const std::optional<std::size_t>> kept, Microseconds now) {
  const std::map<std::uint64_t, Microseconds> before = generator_.highest_by_split();
  const auto by_time = [](const auto& a, const auto& b) { return a.second < b.second; };
  const Microseconds lowest = before.empty() ? kNoWatermark : std::ranges::min_element(before, by_time)->second;
  generator_.forget_splits();
  channels_ = kept.size();
  for (std::size_t channel = 0; channel < channels_; ++channel) {
    if (!kept[channel]) {
      generator_.restore_split(id(channel), lowest, now);
    } else if (const auto known = before.find(id(*kept[channel])); known != before.end()) {
      generator_.restore_split(id(channel), known->second, now);
    }  // else it has ended
  }
}

void ChannelWatermarks::observe(std::size_t channel, const Column& time, Microseconds now) {
  generator_.observe(time, at_once(id(channel)), now);
}

void ChannelWatermarks::close(std::size_t channel, Microseconds now) {
  generator_.advance(at_once(id(channel)), now, [&](std::uint64_t split) { return split != id(channel); });
}

void ChannelWatermarks::advance(Microseconds now) { generator_.advance(at_once(id(0)), now); }

}  // namespace stream
