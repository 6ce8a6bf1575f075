#include "supervisor/savepoint_schedule.h"

#include <algorithm>

namespace stream {
namespace {

constexpr Microseconds kRetryAfter = 60'000'000;

bool subject(const SavepointRecord& savepoint, const std::string& folder) {
  return savepoint.label.empty() && savepoint.note.empty() && savepoint.path.starts_with(folder + "/");
}

}  // namespace

Microseconds next_due(const SavepointSchedule& schedule, Microseconds now) {
  if (schedule.every_us <= 0) return 0;
  if (schedule.next_us > now) return schedule.next_us;
  if (schedule.next_us == 0) return now + schedule.every_us;
  return schedule.next_us + ((now - schedule.next_us) / schedule.every_us + 1) * schedule.every_us;
}

Microseconds next_try(const SavepointSchedule& schedule, Microseconds now) {
  return now + std::min(schedule.every_us, kRetryAfter);
}

std::vector<std::string> expired_savepoints(const std::vector<SavepointRecord>& savepoints,
                                            const SavepointSchedule& rules, const std::string& folder,
                                            const std::string& needed, Microseconds now) {
  std::vector<const SavepointRecord*> newest_first;
  for (const SavepointRecord& savepoint : savepoints) {
    if (subject(savepoint, folder)) newest_first.push_back(&savepoint);
  }
  std::ranges::stable_sort(newest_first, std::ranges::greater(),
                           [](const SavepointRecord* one) { return std::pair(one->created_us, one->epoch); });
  std::vector<std::string> expired;
  for (std::size_t i = 1; i < newest_first.size(); ++i) {
    const SavepointRecord& savepoint = *newest_first[i];
    const bool too_many = rules.keep > 0 && i >= static_cast<std::size_t>(rules.keep);
    const bool too_old = rules.keep_for_us > 0 && savepoint.created_us + rules.keep_for_us < now;
    if ((too_many || too_old) && savepoint.path != needed) expired.push_back(savepoint.path);
  }
  return expired;
}

}  // namespace stream
