#include "stages/kit/tumble.h"

#include <algorithm>

namespace stream {
namespace {

constexpr Microseconds kSecond = 1'000'000;
constexpr Microseconds kHour = 3600 * kSecond;
constexpr std::int64_t kDayS = 86'400;
constexpr Microseconds kDay = kDayS * kSecond;

constexpr std::int64_t floor_to(std::int64_t value, std::int64_t size) {
  const std::int64_t rest = value % size;
  return value - (rest < 0 ? rest + size : rest);
}

}  // namespace

Result<TumbleWindows> TumbleWindows::make(Microseconds size, const std::string& zone) {
  TumbleWindows windows(size);
  if (size <= 0) return usage_error("a window must be longer than nothing");
  if (zone.empty() || zone == "UTC") return windows;
  STREAM_ASSIGN(windows.zone_, format::Zone::load(zone));
  if (windows.zone_->is_utc()) {
    windows.zone_ = nullptr;
  } else if (size % kDay != 0 && (kDay % size != 0 || (size > kHour && size % kSecond != 0))) {
    return usage_error("in a zone a window must be whole days or a part that divides a day");
  }
  return windows;
}

// The first instant at which the zone's clock shows this time or a later one.
Microseconds TumbleWindows::boundary(std::int64_t local_s) const {
  std::int64_t utc_s = zone_->instant_of(local_s).utc_s;
  const std::int64_t offset = zone_->offset_at(utc_s);
  if (utc_s + offset < local_s) utc_s = local_s - offset;  // the clock skips it
  return utc_s * kSecond;
}

// An hour or less: counted from midnight in passing time, so that an hour shown twice is two hours.
WindowSpan TumbleWindows::of_short(Microseconds time) const {
  const std::int64_t utc_s = floor_to(time, kSecond) / kSecond;
  std::int64_t day = floor_to(utc_s + zone_->offset_at(utc_s), kDayS);
  while (boundary(day + kDayS) <= time) day += kDayS;
  const Microseconds midnight = boundary(day);
  const Microseconds start = midnight + floor_to(time - midnight, size_);
  return {start, std::min(start + size_, boundary(day + kDayS))};
}

WindowSpan TumbleWindows::of_civil(Microseconds time) const {
  const std::int64_t size_s = size_ / kSecond;
  const std::int64_t utc_s = floor_to(time, kSecond) / kSecond;
  std::int64_t label = floor_to(utc_s + zone_->offset_at(utc_s), size_s);
  while (boundary(label + size_s) <= time) label += size_s;
  return {boundary(label), boundary(label + size_s)};
}

WindowSpan TumbleWindows::of(Microseconds time) const {
  if (zone_) return size_ <= kHour ? of_short(time) : of_civil(time);
  const Microseconds start = floor_to(time, size_);
  return {start, start + size_};
}

}  // namespace stream
