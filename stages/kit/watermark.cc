#include "stages/kit/watermark.h"

#include <algorithm>

namespace stream {

bool WatermarkMerger::update(std::size_t channel, Microseconds watermark, bool idle) {
  Channel& changed = channels_[channel];
  if (changed.watermark == watermark && changed.idle == idle) return false;
  changed.watermark = std::max(changed.watermark, watermark);
  changed.idle = idle;
  const bool was_idle = idle_;
  const Microseconds before = merged_;
  idle_ = std::ranges::all_of(channels_, &Channel::idle);
  Microseconds lowest = kEndOfTime;
  for (const Channel& c : channels_) {
    if (!c.idle) lowest = std::min(lowest, c.watermark);
  }
  // All idle: what they last said still holds, nothing newer is known.
  if (!idle_) merged_ = std::max(merged_, lowest);
  return merged_ != before || idle_ != was_idle;
}

void WatermarkMerger::replace(std::span<const std::optional<std::size_t>> kept) {
  std::vector<Channel> channels;
  for (const auto& channel : kept) channels.push_back(channel ? channels_[*channel] : Channel());
  channels_ = std::move(channels);
  idle_ = std::ranges::all_of(channels_, &Channel::idle) && !channels_.empty();
}

std::optional<std::size_t> WatermarkMerger::slowest() const {
  std::optional<std::size_t> slowest;
  for (std::size_t i = 0; i < channels_.size(); ++i) {
    if (channels_[i].idle || channels_[i].watermark == kEndOfTime) continue;
    if (!slowest || channels_[i].watermark < channels_[*slowest].watermark) slowest = i;
  }
  const auto ahead = [&](const auto& channel) { return channel.watermark > channels_[*slowest].watermark; };
  if (!slowest || std::ranges::none_of(channels_, ahead)) return std::nullopt;
  return slowest;
}

void WatermarkGenerator::observe(const Column& time, SplitView split, Microseconds now) {
  if (split.sequential) std::erase_if(splits_, [&](const auto& entry) { return entry.first != split.current; });
  Split& current = splits_[split.current];
  current.last_record = now;
  const auto* values = time.values<Microseconds>();
  Microseconds highest = current.highest;
  if (!time.has_nulls()) {
    for (std::size_t i = 0; i < time.size(); ++i) highest = std::max(highest, values[i]);
  } else {
    for (std::size_t i = 0; i < time.size(); ++i) highest = time.valid(i) ? std::max(highest, values[i]) : highest;
  }
  current.highest = highest;
  advance(split, now);
}

void WatermarkGenerator::advance(SplitView split, Microseconds now) {
  if (split.unread > 0) return;
  Microseconds lowest = kEndOfTime;
  std::size_t active = 0;
  for (const auto& [id, state] : splits_) {
    if (idle_after_ > 0 && now - state.last_record >= idle_after_) continue;
    lowest = std::min(lowest, state.highest);
    ++active;
  }
  idle_ = active == 0 && idle_after_ > 0 && !splits_.empty();
  if (active == 0 || lowest == kNoWatermark) return;
  // Records at the watermark itself may still come.
  watermark_ = std::max(watermark_, lowest - out_of_order_);
}

std::optional<Microseconds> WatermarkGenerator::idle_due(Microseconds now) const {
  std::optional<Microseconds> next;
  for (const auto& [id, state] : splits_) {
    const Microseconds due = state.last_record + idle_after_;
    if (idle_after_ > 0 && due > now && (!next || due < *next)) next = due;
  }
  return next;
}

std::map<std::uint64_t, Microseconds> WatermarkGenerator::highest_by_split() const {
  std::map<std::uint64_t, Microseconds> out;
  for (const auto& [id, state] : splits_) out[id] = state.highest;
  return out;
}

}  // namespace stream
