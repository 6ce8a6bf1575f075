#include "stages/aggregate/slices.h"

#include <algorithm>
#include <numeric>

namespace stream {
namespace {

Microseconds slice_size(const WindowSpec& spec) {
  switch (spec.kind) {
    case WindowSpec::Kind::kHop: return std::gcd(spec.size, spec.step);
    case WindowSpec::Kind::kCumulate: return spec.step;
    default: return spec.size;
  }
}

}  // namespace

Result<SliceWindows> SliceWindows::make(const WindowSpec& spec, const std::string& zone) {
  if (spec.size > kLongestWindow) return usage_error("a window of more than 36,000 years is too long");
  STREAM_ASSIGN(TumbleWindows slices, TumbleWindows::make(slice_size(spec), zone));
  SliceWindows windows(spec, std::move(slices));
  if (spec.kind == WindowSpec::Kind::kCumulate) { STREAM_ASSIGN(windows.outer_, TumbleWindows::make(spec.size, zone)); }
  if (spec.kind == WindowSpec::Kind::kHop && windows.slices_.zoned() && spec.size % spec.step != 0) {
    return usage_error("in a zone the length of a hopping window must be a multiple of its step");
  }
  return windows;
}

// Where the clock is changed, a step may reach into the next window.
WindowSpan SliceWindows::within_outer(WindowSpan slice, Microseconds time) const {
  const WindowSpan outer = outer_->of(time);
  return {std::max(slice.start, outer.start), std::min(slice.end, outer.end)};
}

Microseconds SliceWindows::next_end(Microseconds time) const {
  if (spec_.kind != WindowSpec::Kind::kHop || slices_.zoned()) return slice_of(time).end;
  const Microseconds offset = spec_.size % spec_.step;  // of ends, as starts are multiples of the step
  const Microseconds since = time - offset;
  const Microseconds rest = since % spec_.step;
  return time - (rest < 0 ? rest + spec_.step : rest) + spec_.step;
}

WindowSpan SliceWindows::ending(Microseconds end) const {
  switch (spec_.kind) {
    case WindowSpec::Kind::kCumulate: return {outer_->of(end - 1).start, end};
    case WindowSpec::Kind::kHop: break;
    default: return slices_.of(end - 1);
  }
  if (!slices_.zoned()) return {end - spec_.size, end};
  Microseconds start = end;
  for (Microseconds n = spec_.size / spec_.step; n > 0; --n) start = slices_.of(start - 1).start;
  return {start, end};
}

Microseconds SliceWindows::open_from(Microseconds watermark) const {
  if (watermark == kNoWatermark || watermark == kEndOfTime) return watermark;
  if (!TumbleWindows::in_range(watermark)) return watermark < 0 ? INT64_MIN : INT64_MAX;
  return ending(next_end(watermark)).start;
}

}  // namespace stream
