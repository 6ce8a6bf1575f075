// ChannelWatermarks: how far event time has come that an operator itself gives its rows, by input channel, so that one
// channel's progress does not make the rows of another late. Pure: the caller brings the time.
#pragma once

#include <map>
#include <optional>
#include <span>

#include "stages/kit/watermark.h"

namespace stream {

class ChannelWatermarks {
 public:
  // `generator`: of splits that are read at once; a channel is one.
  ChannelWatermarks(std::uint32_t instance, std::size_t channels, WatermarkGenerator generator);

  // Until it has said something each channel holds event time back, or until it is idle: that time begins now.
  void start(Microseconds now);
  // After start(). `kept`: what highest() gave on all instances; `as_before`: they are as many as then.
  void restore(Microseconds watermark, const std::map<std::uint64_t, Microseconds>& kept, bool as_before,
               Microseconds now);

  // It has other channels from now on: each goes on as one it had, or, as it may bring rows of any of them, from what
  // is sure for all.
  void replace(std::span<const std::optional<std::size_t>> kept, Microseconds now);

  void observe(std::size_t channel, const Column& time, Microseconds now);
  void close(std::size_t channel, Microseconds now);
  void advance(Microseconds now);

  Microseconds watermark() const { return generator_.watermark(); }
  bool idle() const { return generator_.idle(); }
  // When the next channel becomes idle if nothing comes.
  std::optional<Microseconds> idle_due(Microseconds now) const { return generator_.idle_due(now); }
  // Part of a snapshot: the highest time of each open channel; ids differ between instances.
  std::map<std::uint64_t, Microseconds> highest() const { return generator_.highest_by_split(); }

 private:
  std::uint64_t id(std::size_t channel) const { return std::uint64_t{instance_} << 32 | channel; }
  bool all_there(const std::map<std::uint64_t, Microseconds>& kept) const;

  const std::uint32_t instance_;
  std::size_t channels_;
  WatermarkGenerator generator_;
};

}  // namespace stream
