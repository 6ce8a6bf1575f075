#include "supervisor/savepoint_schedule.h"

#include <algorithm>
#include <map>
#include <utility>

namespace stream {
namespace {

constexpr Microseconds kRetryAfter = 60'000'000;

bool below(const std::string& path, const std::vector<std::string>& folders) {
  return std::ranges::any_of(folders, [&](const std::string& folder) { return path.starts_with(folder + "/"); });
}

// Copies of one in other forms, which come and go together.
struct Copies {
  std::vector<std::string> paths;
  Microseconds created_us = 0;
  bool said = false;  // somebody has given one of them a label or a note
};

std::map<std::uint64_t, Copies> by_epoch(const std::vector<SavepointRecord>& savepoints,
                                         const std::vector<std::string>& folders) {
  std::map<std::uint64_t, Copies> all;
  for (const SavepointRecord& savepoint : savepoints) {
    if (!below(savepoint.path, folders)) continue;
    Copies& copies = all[savepoint.epoch];
    copies.paths.push_back(savepoint.path);
    copies.created_us = std::max(copies.created_us, savepoint.created_us);
    copies.said |= !savepoint.label.empty() || !savepoint.note.empty();
  }
  std::erase_if(all, [](const auto& one) { return one.second.said; });
  return all;
}

// The grid begins anew where the time between two is another.
SavepointSchedule with_rules(SavepointSchedule schedule, const SavepointRules& rules, Microseconds now) {
  if (schedule.rules.every_us != rules.every_us) schedule.next_us = 0;
  schedule.rules = rules;
  if (schedule.next_us == 0) schedule.next_us = next_due(schedule, now);
  return schedule;
}

}  // namespace

Microseconds next_due(const SavepointSchedule& schedule, Microseconds now) {
  const Microseconds every = schedule.rules.every_us;
  if (every <= 0) return 0;
  if (schedule.next_us > now) return std::min(schedule.next_us, now + every);  // later only where the clock went back
  if (schedule.next_us == 0) return now + every;
  return schedule.next_us + ((now - schedule.next_us) / every + 1) * every;
}

SavepointSchedule take_up(SavepointSchedule kept, const SavepointRules& manifest, Microseconds now) {
  if (kept.manifest == manifest) return kept;
  kept.manifest = manifest;
  return with_rules(std::move(kept), manifest, now);
}

SavepointSchedule said_by_hand(SavepointSchedule kept, const SavepointRules& rules, Microseconds now) {
  kept.next_us = 0;  // who asks for one every hour does not want one at once
  return with_rules(std::move(kept), rules, now);
}

bool SavepointTimer::due(Microseconds now) const {
  const Microseconds every = schedule_.rules.every_us;
  if (every == 0 || busy_) return false;
  if (now < retry_us_ && retry_us_ - now <= kRetryAfter) return false;
  return now >= schedule_.next_us || schedule_.next_us - now > every;  // the clock went back
}

void SavepointTimer::made(Microseconds now) {
  busy_ = false;
  told_.clear();
  schedule_.next_us = next_due(schedule_, now);
}

bool SavepointTimer::failed(std::string why, Microseconds now) {
  busy_ = false;
  schedule_.next_us = next_due(schedule_, now);
  std::erase_if(why, [](char c) { return c >= '0' && c <= '9'; });  // paths have the number of the checkpoint
  const bool news = why != told_;
  told_ = std::move(why);
  return news;
}

void SavepointTimer::lost(Microseconds now) {
  busy_ = false;
  retry_us_ = now + std::min(schedule_.rules.every_us, kRetryAfter);
}

std::vector<std::string> expired_savepoints(const std::vector<SavepointRecord>& savepoints, const SavepointRules& rules,
                                            const std::vector<std::string>& folders, const std::string& needed,
                                            Microseconds now) {
  const std::map<std::uint64_t, Copies> subject = by_epoch(savepoints, folders);
  std::vector<std::string> expired;
  std::int64_t newer = 0;
  for (auto at = subject.rbegin(); at != subject.rend(); ++at, ++newer) {
    const Copies& copies = at->second;
    const bool too_many = rules.keep > 0 && newer >= rules.keep;
    const bool too_old = rules.keep_for_us > 0 && copies.created_us + rules.keep_for_us < now;
    const bool stays = newer == 0 || std::ranges::find(copies.paths, needed) != copies.paths.end();
    if ((too_many || too_old) && !stays) expired.insert(expired.end(), copies.paths.begin(), copies.paths.end());
  }
  return expired;
}

}  // namespace stream
