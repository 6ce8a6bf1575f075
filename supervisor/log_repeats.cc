#include "supervisor/log_repeats.h"

#include <algorithm>

#include "transport/base/text.h"

namespace stream {

bool LogRepeats::pass(const LogLine& line) {
  Key key{line.stage, line.instance, line.level, line.message};
  const auto at = seen_.find(key);
  if (at != seen_.end()) return ++at->second.times <= kWritten;
  if (seen_.size() >= kRemembered) return true;
  seen_.emplace(std::move(key), Seen{line.at_us, 1});
  oldest_ = std::min(oldest_, line.at_us);
  return true;
}

std::vector<LogLine> LogRepeats::over(Microseconds now) {
  std::vector<LogLine> out;
  if (oldest_ == INT64_MAX || now - oldest_ < kInterval) return out;
  oldest_ = INT64_MAX;
  for (auto at = seen_.begin(); at != seen_.end();) {
    const auto& [key, seen] = *at;
    if (now - seen.since < kInterval) {
      oldest_ = std::min(oldest_, seen.since);
      ++at;
      continue;
    }
    if (seen.times > kWritten) {
      LogLine line;
      line.level = key.level;
      line.stage = key.stage;
      line.instance = key.instance;
      line.message = key.message + " (" + std::to_string(seen.times - kWritten) + " more times within " +
                     format_duration(std::max(kInterval, (now - seen.since) / 1'000'000 * 1'000'000)) + ")";
      out.push_back(std::move(line));
    }
    at = seen_.erase(at);
  }
  return out;
}

std::vector<LogLine> LogRepeats::rest() {
  for (auto& [key, seen] : seen_) seen.since = 0;
  oldest_ = seen_.empty() ? INT64_MAX : 0;
  return over(kInterval);
}

}  // namespace stream
