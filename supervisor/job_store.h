// JobStore: what must outlive a supervisor, in job.sqlite. Opened only by the lock's holder.
//
// The attempt of a run is durable before any of its processes starts, and an epoch before its
// barrier is sent, so that neither number is ever used twice.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "supervisor/ha/leadership.h"
#include "supervisor/restart_policy.h"
#include "supervisor/savepoint_rules.h"
#include "transport/base/clock.h"
#include "transport/base/ids.h"
#include "transport/base/status.h"

struct sqlite3;

namespace stream {

enum class JobState : std::uint8_t { kRunning, kStopped, kFinished, kCancelled, kFailed };
std::string_view to_string(JobState state);  // "RUNNING", …

// Whether a job in this state goes on where it stood when it is run again.
constexpr bool resumable(JobState state) {
  return state == JobState::kRunning || state == JobState::kStopped || state == JobState::kFailed;
}

struct JobRecord {
  std::string id;   // 32 hex digits, of the job
  std::string run;  // 32 hex digits, of this run
  JobState state = JobState::kRunning;
  Attempt attempt;
  std::string manifest;   // as submitted
  std::string plan;       // JSON
  std::string savepoint;  // path the run may go on from, "" = its checkpoints
  Microseconds submitted_us = 0;
  Microseconds ended_us = 0;
  std::string reason;  // why it ended
  RestartHistory history;
  std::uint64_t rewind_after = 0;  // epoch to which sinks must go back at the next attempt
  bool must_rewind = false;
  // Sinks know the run by the id of the first of those that went back to a savepoint of the one before.
  std::string output_run;
  std::string parent;       // the run whose savepoint this one began with; "" = none
  std::uint64_t base = 0;   // … and of which epoch
  std::string claimed;      // savepoint that the job deletes when its own checkpoints have taken its place; "" = none
  bool going_back = false;  // must_rewind by the user's wish
};

struct CheckpointRecord {
  std::uint64_t epoch = 0;
  std::string status;  // triggered, complete, committed, aborted
  Microseconds triggered_us = 0;
  Microseconds ended_us = 0;
  std::uint64_t bytes = 0;
  std::string detail;    // JSON: per instance times; or the reason of the abort
  std::string run = {};  // that took it; set by the store, "" = not known
};

// Of all that the job has ever taken or begun with, also of those that are not kept any more.
struct CheckpointCounts {
  std::uint64_t completed = 0;
  std::uint64_t failed = 0;
  std::uint64_t restored = 0;  // attempts that began with state
};

// Of all that the job has ever completed, but for the values, which are those of the checkpoints that are kept.
struct CheckpointSpread {
  std::uint64_t number = 0;
  std::int64_t least = 0;
  std::int64_t most = 0;
  double sum = 0;
  std::vector<double> values = {};  // in order
};
struct CheckpointSpreads {
  CheckpointSpread bytes;
  CheckpointSpread duration_us;
};

// One start of the job's processes.
struct AttemptRecord {
  std::uint64_t attempt = 0;
  std::string run;
  Microseconds started_us = 0;
  Microseconds running_us = 0;   // when every instance was ready; 0 = never
  Microseconds ended_us = 0;     // 0 = it lasts
  std::string outcome = {};      // finished, stopped, cancelled, failed, replaced, lost; "" = it lasts
  std::uint64_t restored = 0;    // epoch it began with; 0 = none
  std::string savepoint = {};    // path of that, if it was one
  std::string instances = "[]";  // JSON: what each had come to
};

struct SavepointRecord {
  std::uint64_t epoch = 0;
  std::string path;
  std::string label;
  Microseconds created_us = 0;
  bool drained = false;
  std::string note = {};
  std::uint64_t bytes = 0;      // 0 = not known
  std::string written_by = {};  // version of stream
  bool building = false;        // begun, and not known to be there
};

// Savepoints that are made by themselves, and which of them stay; see savepoint_schedule.h.
struct SavepointSchedule {
  SavepointRules rules = {};     // that hold
  SavepointRules manifest = {};  // that the manifest said when it was last looked at
  Microseconds next_us = 0;      // when the next is due, wall clock

  bool by_hand() const { return rules != manifest; }
  friend bool operator==(const SavepointSchedule&, const SavepointSchedule&) = default;
};

// An upgrade whose new version has published nothing yet: until it has, the job is what `job` says.
struct UpgradeRecord {
  Epoch after;           // of the last checkpoint of the old version
  std::string manifest;  // of the new version, as JobRecord has them
  std::string plan;
};

struct EventRecord {
  Microseconds at_us = 0;
  std::string kind;  // started, running, restarting, failed, checkpoint-aborted, savepoint, …
  std::string text;
};

// JobRecord::manifest, as JobStore::essentials() have it. Errors: kCorrupt.
Result<std::string> manifest_in(const std::string& essentials);

// A job may run for years, and checkpoints and events come without end: the newest so many of each stay. At
// one checkpoint a second that is nearly three hours and some MB; no verb shows a tenth of it.
inline constexpr std::int64_t kHistoryKept = 10'000;
// … and of attempts, which are some 200 bytes an instance.
inline constexpr std::int64_t kAttemptsKept = 200;

class JobStore {
 public:
  // Opens or makes the file. Errors: kSystem, kCorrupt.
  static Result<std::unique_ptr<JobStore>> open(const std::string& path);
  ~JobStore();

  // From now on `leadership` hears of everything that whoever leads next must know. Errors: as of its calls.
  Status tell(Leadership* leadership);
  Result<std::string> essentials();  // "" of a job that has never run
  // Becomes what another store had in its essentials; epochs below `reserved` may have been used.
  Status adopt(const std::string& essentials, Epoch reserved);

  Result<std::optional<JobRecord>> load();
  Status save(const JobRecord& record);  // durable on return
  // What `run` has come to after `epoch`, until now, is no more: durable before sinks hear of it.
  Status take_back(const std::string& run, Epoch epoch);
  // Whether what `run` had at `epoch` is what `of` has gone on from, or has itself.
  Result<bool> descends(const std::string& of, const std::string& run, Epoch epoch);

  // The lowest epoch that no run of this job has used.
  Epoch next_epoch() const;
  // Makes durable that `epoch` is used. When that fails it counts as used all the same.
  Status reserve(Epoch epoch);

  Status record_checkpoint(const CheckpointRecord& record);
  Result<std::vector<CheckpointRecord>> checkpoints(std::size_t most);         // of this run, newest first
  Result<std::vector<CheckpointRecord>> checkpoint_history(std::size_t most);  // of all runs, newest first
  // `run` begins: those before are history, and nobody goes on from them.
  Status leave_checkpoints(const std::string& run);
  Result<CheckpointCounts> checkpoint_counts();
  Result<CheckpointSpreads> checkpoint_spreads();
  // Those before it that nobody has ended are lost.
  Status begin_attempt(const AttemptRecord& record);
  Status record_attempt(const AttemptRecord& record);             // that has begun
  Result<std::vector<AttemptRecord>> attempts(std::size_t most);  // of all runs, newest first
  // That the job may go on from this checkpoint, which was drained, was said once and need not be said again.
  Status accept_drained(Epoch epoch);
  Result<bool> accepted_drained(Epoch epoch);
  Status record_savepoint(const SavepointRecord& record);
  Status forget_savepoint(const std::string& path);
  Result<std::optional<UpgradeRecord>> upgrade();
  Status begin_upgrade(const UpgradeRecord& record);  // durable on return
  Status end_upgrade();
  Result<std::vector<SavepointRecord>> savepoints();  // that are there, or were; oldest first
  Result<std::vector<SavepointRecord>> unfinished_savepoints();
  Result<SavepointSchedule> savepoint_schedule();
  Status save_savepoint_schedule(const SavepointSchedule& schedule);
  // What a job that scales itself has decided, as JSON; "" = nothing. See job_autoscale.h.
  Result<std::string> elastic_memory();
  Status save_elastic_memory(const std::string& memory);  // durable on return
  Status record_event(const EventRecord& record);
  Result<std::vector<EventRecord>> events(std::size_t most);

 private:
  Status load_run(JobRecord& record);
  Result<bool> taken_back(const std::string& run, Epoch epoch);
  Status add_forgotten(CheckpointSpreads& spreads);
  explicit JobStore(sqlite3* db) : db_(db) {}
  Result<std::int64_t> version();
  Status migrate();
  Status read_epochs();
  Status adopt_tables(const std::string& essentials);
  Status told(Status written);
  Result<std::vector<SavepointRecord>> savepoints_that(bool building);

  sqlite3* db_;
  Leadership* leadership_ = nullptr;
  std::uint64_t reserved_ = 0;  // durable: epochs below may be used
  std::uint64_t next_epoch_ = 0;
};

}  // namespace stream
