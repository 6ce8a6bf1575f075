// LogRepeats: what is logged again and again fills no disk. Of the same line of the same instance the first
// few in each interval are written; the others are counted, and told as one line when the interval is over.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "supervisor/job_log.h"

namespace stream {

class LogRepeats {
 public:
  static constexpr std::uint64_t kWritten = 10;  // of an interval
  static constexpr Microseconds kInterval = 10'000'000;
  static constexpr std::size_t kRemembered = 1000;  // lines; of others nothing is known, and they are written

  // True: it is to be written. `line.at_us` is the time.
  bool pass(const LogLine& line);

  // What was held back in intervals that are over: "x (12 more times within 10s)".
  std::vector<LogLine> over(Microseconds now);
  // The same of all intervals: nothing more will come.
  std::vector<LogLine> rest();

 private:
  struct Key {
    std::string stage;
    std::uint32_t instance;
    LogLevel level;
    std::string message;
    auto operator<=>(const Key&) const = default;
  };
  struct Seen {
    Microseconds since = 0;
    std::uint64_t times = 0;
  };
  std::map<Key, Seen> seen_;
  Microseconds oldest_ = INT64_MAX;  // when the interval of some line began
};

}  // namespace stream
