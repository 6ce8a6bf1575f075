// TimeFormat: times in other forms than ISO 8601, by a strptime-like pattern, free of locales.
//
//   %Y %y year   %m month   %b %B %h month name   %d %e day   %j day of year   %a %A weekday (not checked)
//   %H %k hour   %I %l hour of 12   %p AM/PM   %M minute   %S second   %f fraction, 1 to 9 digits
//   %z offset (Z, +hh, +hhmm, +hh:mm)   %Z zone name (skipped, UTC, GMT and Z apply)
//   %s seconds since the epoch   %T = %H:%M:%S   %R = %H:%M   %F = %Y-%m-%d   %D = %m/%d/%y
//   %n %t or a blank: any number of blanks   %% a percent sign   other bytes stand for themselves
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "transport/base/status.h"

namespace stream::format {

class Zone;

class TimeFormat {
 public:
  // Null for "". Errors: kUsage with the offset of the conversion that does not exist.
  static Result<std::unique_ptr<const TimeFormat>> parse(std::string_view pattern);

  // The whole text must match; a missing date is 1970-01-01, a missing time midnight. See
  // parse_rfc3339 for the zone.
  bool read(std::string_view text, const Zone* zone, std::int64_t& instant_us, std::uint64_t& ambiguous) const;

 private:
  explicit TimeFormat(std::string pattern) : pattern_(std::move(pattern)) {}
  std::string pattern_;  // with %T, %R, %F, %D written out
};

}  // namespace stream::format
