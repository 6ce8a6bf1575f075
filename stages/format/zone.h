// Zone: the rules of one time zone, read from the system's IANA database (TZif files).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "transport/base/status.h"

namespace stream::format {

// The part of a rule after the last recorded change, as in TZ="CET-1CEST,M3.5.0,M10.5.0/3".
struct PosixRule {
  struct Change {
    enum class Kind : std::uint8_t { kJulian, kDayOfYear, kMonthWeekDay } kind = Kind::kMonthWeekDay;
    int day = 0;                   // kJulian 1..365 without leap day; kDayOfYear 0..365; kMonthWeekDay 0..6, 0 = Sunday
    int week = 0;                  // 1..5, 5 = last
    int month = 0;                 // 1..12
    std::int32_t time = 2 * 3600;  // seconds after local midnight, may be negative
  };
  std::int32_t standard = 0;  // seconds east of Greenwich
  std::int32_t daylight = 0;
  bool has_daylight = false;
  Change start;
  Change end;
};

class Zone {
 public:
  // An IANA name, "UTC", or "local" ($TZ, else /etc/localtime). Errors: kUsage naming the zone.
  static Result<std::shared_ptr<const Zone>> load(const std::string& name);
  // The bytes of a TZif file of version 1 to 4. Errors: kCorrupt.
  static Result<std::shared_ptr<const Zone>> from_tzif(std::string_view bytes);

  // Seconds to add to UTC to get local time, at an instant (seconds since the epoch).
  std::int32_t offset_at(std::int64_t utc_s) const;

  struct Instant {
    std::int64_t utc_s;
    bool ambiguous;  // the zone's clock skips or repeats this time
  };
  // The earlier instant at which the zone's clock shows (or would show) this time.
  Instant instant_of(std::int64_t local_s) const;

  bool is_utc() const { return changes_.empty() && first_offset_ == 0 && !rule_.has_daylight; }

 private:
  struct Change {
    std::int64_t at_s;
    std::int32_t offset;
  };
  std::int32_t rule_offset_at(std::int64_t utc_s) const;

  std::int32_t first_offset_ = 0;  // before the first change
  std::vector<Change> changes_;    // ascending
  PosixRule rule_;                 // after the last change
  bool has_rule_ = false;
};

// Reads the footer of a TZif file. Errors: kCorrupt.
Result<PosixRule> parse_posix_rule(std::string_view text);

}  // namespace stream::format
