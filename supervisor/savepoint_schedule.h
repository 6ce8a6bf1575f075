// Savepoints that a job makes by itself, and which of its savepoints go again. Pure decisions.
#pragma once

#include <string>
#include <vector>

#include "supervisor/job_store.h"

namespace stream {

// When the next savepoint is due: on the grid that the last one was due on, so that one made late moves none, and
// those that were missed are made up for by one.
Microseconds next_due(const SavepointSchedule& schedule, Microseconds now);

// The last word holds: what the manifest says, if that is something else than when it was last looked at, else what was
// said by hand since.
SavepointSchedule take_up(SavepointSchedule kept, const SavepointRules& manifest, Microseconds now);
SavepointSchedule said_by_hand(SavepointSchedule kept, const SavepointRules& rules, Microseconds now);

// When a savepoint is to be made, and what becomes of that.
class SavepointTimer {
 public:
  SavepointTimer() = default;
  explicit SavepointTimer(SavepointSchedule schedule) : schedule_(std::move(schedule)) {}

  const SavepointSchedule& schedule() const { return schedule_; }
  void set(SavepointSchedule schedule) { schedule_ = std::move(schedule); }  // the one on its way stays on it

  bool due(Microseconds now) const;  // never while one is on its way
  void begin() { busy_ = true; }
  void made(Microseconds now);
  // It could not be made: the next time is soon enough. True if that is to be told, as it is not what was told last.
  bool failed(std::string why, Microseconds now);
  // There was no checkpoint to make it of: it stays due, and is tried again within a minute.
  void lost(Microseconds now);

 private:
  SavepointSchedule schedule_;
  bool busy_ = false;
  Microseconds retry_us_ = 0;
  std::string told_;  // why the last one failed; "" = it was made
};

// Paths of what the rules let go. They concern the savepoints in these folders that nobody has given a label or
// a note; of these the newest stays, and so does `needed`, which the job would begin with again. Copies of one in other
// forms count as one, and stay or go together.
std::vector<std::string> expired_savepoints(const std::vector<SavepointRecord>& savepoints, const SavepointRules& rules,
                                            const std::vector<std::string>& folders, const std::string& needed,
                                            Microseconds now);

}  // namespace stream
