// What somebody wants to hear of, as GET /stream says it.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "supervisor/http/log_filter.h"
#include "transport/base/clock.h"

namespace stream::http {

enum class Topic : std::uint8_t { kJobs, kStats, kEvents, kCheckpoints, kLogs };
inline constexpr std::array<std::string_view, 5> kTopicNames = {"jobs", "stats", "events", "checkpoints", "logs"};
inline std::string_view to_string(Topic topic) { return kTopicNames[static_cast<std::size_t>(topic)]; }

struct StreamWish {
  std::vector<std::string> jobs = {};  // as they were named; empty = all
  std::uint8_t topics = 0;             // bits
  LogFilter logs = {};
  Microseconds after = 0;  // wall clock: what was told before; 0 = what comes from now on

  bool wants(Topic topic) const { return (topics >> static_cast<unsigned>(topic) & 1U) != 0; }
};

// `last_id`: of the header Last-Event-ID, or of the query; "" = none. Without `topics` all but logs. Errors: kUsage.
Result<StreamWish> make_stream_wish(const std::map<std::string, std::string, std::less<>>& query,
                                    const std::string& last_id);

// What becomes the id of what was told until then.
std::string id_of_time(Microseconds at);

}  // namespace stream::http
