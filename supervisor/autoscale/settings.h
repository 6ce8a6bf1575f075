// What is said of how a job scales itself: `autoscale:` of a manifest. Names and meanings are those of the autoscaler
// of Flink's operator; the times are shorter, as an instance here is replaced within milliseconds.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "transport/base/clock.h"
#include "transport/base/status.h"

namespace stream::autoscale {

// kOff: a stage has as many instances as there is room for. kAdvice: it says what it would do. kOn: it does it.
enum class Mode : std::uint8_t { kOff, kAdvice, kOn };
std::string_view to_string(Mode mode);  // "off", …

// A time of every day, or of some days of the week, in UTC. One that ends before it begins reaches into the next day.
struct Period {
  std::uint8_t days = 0x7f;  // bit 0 is Monday; the day on which it begins
  std::int32_t from = 0;     // minutes since midnight
  std::int32_t to = 0;
  std::string text = {};  // as it was written

  bool holds(Microseconds wall) const;
  friend bool operator==(const Period&, const Period&) = default;
};

// "09:00-17:30", "mon-fri 09:00-17:30", "sat,sun 22:00-06:00". Errors: kUsage.
Result<Period> parse_period(std::string_view text);

struct Settings {
  Mode mode = Mode::kOff;
  Microseconds interval = 1'000'000;                 // between two looks at the job
  Microseconds metrics_window = 30'000'000;          // over which its numbers are taken
  Microseconds stabilization_interval = 10'000'000;  // behind a start or a change: numbers of that time do not count
  double target_utilization = 0.7;
  double target_utilization_boundary = 0.3;  // as far as this it may be off, to either side
  Microseconds catch_up_duration = 300'000'000;
  Microseconds restart_time = 1'000'000;
  Microseconds scale_up_grace_period = 300'000'000;  // none is taken away for so long once some were added
  Microseconds scale_down_interval = 60'000'000;     // fewer must have been enough for so long
  double scale_up_max_factor = 3;                    // 1: at most twice as many at once
  double scale_down_max_factor = 0.6;                // at most this share goes at once
  double effectiveness_threshold = 0.1;              // of the gain that was expected; 0 = does not matter
  std::vector<Period> excluded_periods = {};

  friend bool operator==(const Settings&, const Settings&) = default;
};

}  // namespace stream::autoscale
