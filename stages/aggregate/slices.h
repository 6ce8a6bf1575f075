// SliceWindows: windows of event time made of slices, the parts of the time line that windows share.
//
// Rows are added to the one slice they belong to; a window's result is that of its slices together. So
// what a row costs does not depend on how many windows it belongs to.
#pragma once

#include <optional>
#include <string>

#include "stages/kit/option_window.h"
#include "stages/kit/stage.h"
#include "stages/kit/tumble.h"

namespace stream {

// Sums of a time in range, a size and a step do not overflow.
inline constexpr Microseconds kLongestWindow = INT64_MAX / 8;

// tumble: a window is one slice. hop: one of `size` begins every `step`, at multiples of the step.
// cumulate: a tumbling window of `size` is shown as far as it has come, every `step` from its start.
// In a zone steps lie as tumbling windows of that length would, and a hopping window is as many steps.
class SliceWindows {
 public:
  // Errors: kUsage. Needs a window of one of these three kinds.
  static Result<SliceWindows> make(const WindowSpec& spec, const std::string& zone);

  // Needs TumbleWindows::in_range(time), as all below.
  WindowSpan slice_of(Microseconds time) const {
    const WindowSpan slice = slices_.of(time);
    return outer_ ? within_outer(slice, time) : slice;
  }
  // The first end of a window behind this time.
  Microseconds next_end(Microseconds time) const;
  // The window with this end, which must be one.
  WindowSpan ending(Microseconds end) const;
  // The start of the first window that has not ended at the watermark, whatever the watermark is.
  Microseconds open_from(Microseconds watermark) const;

 private:
  SliceWindows(const WindowSpec& spec, TumbleWindows slices) : spec_(spec), slices_(std::move(slices)) {}
  WindowSpan within_outer(WindowSpan slice, Microseconds time) const;

  WindowSpec spec_;
  TumbleWindows slices_;
  std::optional<TumbleWindows> outer_;  // cumulate: the windows at their full size
};

}  // namespace stream
