// TumbleWindows: which window of fixed size an instant belongs to.
#pragma once

#include <memory>
#include <string>

#include "stages/format/zone.h"
#include "transport/base/clock.h"
#include "transport/base/status.h"

namespace stream {

struct WindowSpan {
  Microseconds start = 0;
  Microseconds end = 0;  // behind the last instant

  bool contains(Microseconds time) const { return time >= start && time < end; }
};

// Windows part the time line without gap or overlap. In UTC they start at multiples of the size since
// the epoch. In another zone they start where its clock shows multiples of the size since midnight (of
// 1970-01-01, for whole days): a day in which the clock is changed is longer or shorter by that change.
class TumbleWindows {
 public:
  // Errors: kUsage if there is no such zone, or the size divides no day and is no whole number of days
  // in a zone other than UTC.
  static Result<TumbleWindows> make(Microseconds size, const std::string& zone);

  // Instants of() knows windows for: those within some 146,000 years of the epoch.
  static constexpr bool in_range(Microseconds time) { return time > INT64_MIN / 2 && time < INT64_MAX / 2; }
  bool zoned() const { return zone_ != nullptr; }  // in a zone other than UTC
  // Needs in_range(time).
  WindowSpan of(Microseconds time) const;

 private:
  explicit TumbleWindows(Microseconds size) : size_(size) {}
  Microseconds boundary(std::int64_t local_s) const;
  WindowSpan of_short(Microseconds time) const;
  WindowSpan of_civil(Microseconds time) const;

  Microseconds size_;
  std::shared_ptr<const format::Zone> zone_;  // null: UTC
};

}  // namespace stream
