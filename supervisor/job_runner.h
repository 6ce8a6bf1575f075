// JobRunner: the supervisor of one job, from its lock to its end.
//
// One thread and one poll: instances, verbs, signals, timers. Slow disk work (publishing an index,
// retention, building savepoints) runs on a Worker. Decisions are made by Coordinator and
// RestartPolicy; this class carries them out.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "snapshot/archive/open_savepoint.h"
#include "snapshot/checkpoint.h"
#include "snapshot/savepoint.h"
#include "supervisor/aborted_stop.h"
#include "supervisor/attempt.h"
#include "supervisor/checkpoint_storage.h"
#include "supervisor/coordinator.h"
#include "supervisor/going_back.h"
#include "supervisor/ha/leadership.h"
#include "supervisor/input_pump.h"
#include "supervisor/job_lock.h"
#include "supervisor/job_log.h"
#include "supervisor/job_paths.h"
#include "supervisor/job_store.h"
#include "supervisor/job_upgrade.h"
#include "supervisor/output_claims.h"
#include "supervisor/paced_work.h"
#include "supervisor/plan.h"
#include "supervisor/savepoint_schedule.h"
#include "transport/base/worker.h"
#include "transport/control.h"

namespace stream {

enum class Phase : std::uint8_t { kStarting, kRunning, kRestarting, kStopping, kOver, kRescaling };
std::string_view to_string(Phase phase);  // "STARTING", …

struct RunRequest {
  JobPlan plan;
  std::string manifest;  // text, as submitted
  bool fresh = false;    // even if there is something to continue
  std::string from;      // savepoint path to start from; "" = the usual choice
  bool claim = false;    // the savepoint becomes the job's, which deletes it in time
  Epoch back_to = {};    // a checkpoint of the job itself to go back to; 0 = none
  Outputs outputs = Outputs::kUnsaid;
  bool accept_duplicates = false;
  bool accept_drained = false;
  bool drop_state = false;  // of stages that are gone
  int print_output = -1;
  // Where several supervisors stand ready; none: this one alone.
  std::shared_ptr<Leadership> leadership = nullptr;
  // Names and addresses of the host that led the job until now, which may have died with its leader.
  std::vector<std::string> last_led_at = {};
  // Standard input, for a plan that reads it; none: only what was spooled before is read.
  std::optional<SampledInput> input = std::nullopt;
};

// A savepoint being asked for, until it is there.
struct SavepointWish {
  std::string target;        // "" = a name of its own in `folder`
  std::string folder = {};   // "" = the job's savepoints folder
  std::string storage = {};  // URL of the object storage below which it is put, and not kept here; "" = none
  std::string label = {};
  bool single_file = false;
  bool archive = false;
  bool drained = false;
  std::string note = {};
  bool ends_job = false;   // the one a stop makes
  bool scheduled = false;  // made by itself
  std::string asked_by;    // connection of whoever waits for it; "" = nobody in particular
};

class JobAutoscale;

class JobRunner {
 public:
  // Takes the lock, decides what to continue from, and prepares everything up to the first fork.
  // Errors: kFailed (already running; nothing fits), kUsage, kSystem, kCorrupt.
  static Result<std::unique_ptr<JobRunner>> create(RunRequest request);
  ~JobRunner();

  // Runs the job to its end. `ready` is called once, when it is RUNNING or has failed before.
  Result<JobState> run(const std::function<void(bool running)>& ready);

  // Called about four times a second while the job runs, and once when it has done everything: the status line.
  void on_status(std::function<void(const JobRunner&)> listener) { status_listener_ = std::move(listener); }
  // What signals do: the first asks for a stop with a final checkpoint, the second ends at once.
  void interrupt();
  // A signalfd(2): SIGWINCH has the status shown at once, every other signal calls interrupt(); -1 = none.
  void watch_signals(int fd) { signal_fd_ = fd; }

  // --- what verbs and views look at ----------------------------------------------------------------
  const JobPlan& plan() const { return plan_; }
  const JobRecord& record() const { return record_; }
  const JobPaths& paths() const { return paths_; }
  Phase phase() const { return phase_; }
  const AttemptRun* attempt() const { return attempt_.get(); }
  Epoch last_complete() const { return last_complete_; }
  const std::optional<CheckpointRecord>& last_checkpoint() const { return last_checkpoint_; }
  // With what its instances have told of it until now.
  std::optional<CheckpointRecord> checkpoint_in_flight() const;
  Microseconds started_us() const { return started_us_; }
  std::uint64_t restarts() const { return restarts_; }
  JobStore& store() { return *store_; }
  JobLog& log() { return *log_; }
  const JobAutoscale& autoscale() const { return *autoscale_; }
  // What it counts of itself, for metrics.
  const class JobMetrics& job_metrics() const { return *metrics_; }
  const std::string& continued_from() const { return continued_from_; }
  bool interrupted() const { return interrupted_; }  // by a signal
  bool deposed() const { return deposed_; }          // another supervisor leads the job
  // What a user must hear of the choice of where to go on, a line each.
  const std::vector<std::string>& notices() const { return notices_; }

 private:
  friend class JobVerbs;
  friend class LiveRescale;
  friend class JobAutoscale;
  JobRunner();

  // job_start.cc
  Status prepare(RunRequest request);
  Status place_savepoints(const PipelineSpec& pipeline);
  Status prepare_record(RunRequest& request);
  void keep_rescaled_stages(RunRequest& request, const JobRecord& known);
  Status start_new_run(const RunRequest& request);
  Status choose_restore();
  std::string restore_name() const;
  Status fit_or_settle(const RunRequest& request);
  Status check_fit(const JobPlan& wanted, bool drop_state);
  Status choose_from_checkpoints(bool going_back);
  Status settle_drain(bool accepted, bool stopped);
  Status find_missing(NewestGood& found);
  Status forget_checkpoints();
  Status take_storage(const std::string& path, bool keep);
  Status lend_savepoint();
  Status refuse(Epoch epoch);
  Status load_from_savepoint(const std::string& path, bool accept_drained);
  Status save_record();

  // job_hosts.cc
  Status prepare_hosts();
  bool gather_hosts();
  Result<std::string> open_door(const std::string& reaches);
  Result<Placed> places_for(const JobPlan& plan, const std::set<std::size_t>* moved = nullptr) const;
  Status place_instances(const JobPlan& plan, const std::set<std::size_t>* moved = nullptr);
  void follow_hosts(Microseconds now);
  void leave_hosts(Microseconds now);
  bool used(const std::set<std::string>& hosts) const;

  // job_back.cc
  Status go_back_to_checkpoint(const RunRequest& request);
  Status choose_outputs(const RunRequest& request, const JobRecord& known);
  Result<Epoch> newest_published() const;
  void drop_claimed();
  Status set_log_levels();

  // job_upgrade.cc
  bool trying() const;
  Status begin_upgrade(UpgradeWish wish, SavepointWish savepoint);
  void after_stop();
  Status try_new_version();
  void keep_old_version();
  Status use_plan(JobPlan plan);
  JobRecord durable_record() const;
  void on_trial_running(Microseconds now);
  void check_upgrade(Microseconds now);
  Microseconds upgrade_due() const;
  Status accept_new_version(Epoch epoch);
  void on_upgrade_committed(Epoch epoch);
  void answer_upgrade(bool upgraded, std::string reason);
  bool fail_in_upgrade(const std::string& cause);
  void wait_for_outcome(const std::string& cause);
  void settle_trial(Epoch epoch, const CheckpointIndex& index, const Status& published);
  void go_back(const std::string& cause);
  void run_on(const std::string& why);
  void forgo_upgrade(const std::string& why);
  void upgrade_step(const std::string& text);

  // job_runner.cc
  Status turn();
  void keep_last_look();
  void take_signals();
  Status wait();
  Microseconds patience(Microseconds now) const;
  Status begin_attempt();
  AttemptStart attempt_start() const;
  void set_stats_every(std::vector<Assignment>& assignments) const;
  void emplace_coordinator(Microseconds now);
  Status handle(const AttemptEvent& event);
  void on_ready();
  Status on_exit(const InstanceExited& exited);
  void fail(std::string cause, bool may_restart);
  void give_up(const std::string& why);
  // `outcome`: of a job that needs no reason.
  void end(JobState state, const std::string& reason, const std::string& outcome = {});
  void check_heartbeats(Microseconds now);
  void check_leadership();
  void check_stopping(Microseconds now);
  void stop_short(const std::string& why);
  std::string waits_for() const;
  void event(const std::string& kind, const std::string& text);
  void stored(const Status& status);

  // job_attempts.cc
  void note_attempt();
  void note_running();
  void look_at_attempt();
  void note_end_of_attempt(const std::string& outcome);

  // job_input.cc
  Status prepare_input(std::optional<SampledInput>& input);
  Status check_spool() const;
  Status make_spools() const;
  void serve_input();
  void end_input();
  void watch_output();
  bool reader_gone() const;

  // job_checkpoints.cc
  Status act(const Coordinator::Actions& actions);
  Status trigger(const CoordinatorAction& action);
  void publish(Epoch epoch);
  Status on_published(Epoch epoch, const CheckpointIndex& index, const Status& status);
  void adopt_late(Epoch epoch, const CheckpointIndex& index, const Status& status);
  bool may_begin_again() const { return !publishing_ && undecided_.empty() && launcher_->settled(); }
  void decide(Microseconds now);
  void decided(const Status& status, std::optional<Epoch> newest);
  Status on_committed(Epoch epoch);
  std::set<Epoch> needed() const;
  void retain();
  void record_abort(const CoordinatorAction& action);
  CheckpointIndex make_index(Epoch epoch) const;
  std::string checkpoint_detail() const;
  void finish();
  bool has_drained() const;
  void check_leaving(Microseconds now);
  void conclude();

  // job_savepoints.cc
  Status settle_savepoints();
  SavepointRequest savepoint_request(const SavepointWish& wish) const;
  void build_savepoints(Epoch epoch);
  std::string folder_of(const SavepointWish& wish) const;
  void build_savepoint_of(Epoch epoch, const SavepointWish& wish);
  void on_built(Epoch epoch, const SavepointWish& wish, SavepointRecord record, Status status);
  Status set_schedule(SavepointSchedule schedule);
  Status take_up_savepoint_rules();
  SavepointWish scheduled_wish() const;
  std::vector<std::string> savepoint_folders() const;
  void tick_schedule(Microseconds now);
  void savepoint_lost(const SavepointWish& wish);
  void delete_savepoints(const std::vector<std::string>& paths, const std::function<void(const Status&)>& done);
  void prune_savepoints();
  void clean_savepoints();
  void hurry_savepoints();
  Status finish_savepoints();

  JobPaths paths_;
  std::shared_ptr<Leadership> leadership_;      // null: nobody else may run the job
  std::vector<std::string> last_led_at_;        // see RunRequest
  std::shared_ptr<CheckpointStorage> storage_;  // null: checkpoints are in a folder
  std::string lent_;                            // path of the savepoint that is in storage for other hosts
  std::optional<JobLock> lock_;
  std::optional<OutputClaims> claims_;
  std::unique_ptr<JobStore> store_;
  std::optional<JobLog> log_;
  JobPlan plan_;
  JobRecord record_;
  Transport transport_;
  std::optional<ControlServer> control_;
  std::optional<ControlServer> verb_socket_;
  std::unique_ptr<class JobVerbs> verbs_;
  std::unique_ptr<class JobMetrics> metrics_;
  std::unique_ptr<Launcher> launcher_;
  std::map<std::string, std::string> doors_;  // by address: where instances of other hosts find the control connection
  std::size_t turned_away_ = 0;               // connections to it, not told yet
  Microseconds tell_turned_away_at_ = 0;
  Placed placed_;                     // hosts of the instances; empty where there is one
  std::optional<Epoch> leave_after_;  // hosts that are to be left are, when a later checkpoint is complete
  Microseconds leave_by_ = 0;         // or at that time; monotonic
  std::unique_ptr<AttemptRun> attempt_;
  AttemptRecord attempt_record_;
  std::unique_ptr<JobAutoscale> autoscale_;
  std::unique_ptr<class LiveRescale> rescale_;  // while one is under way
  std::optional<Coordinator> coordinator_;
  std::optional<std::size_t> stdin_stage_;  // in the plan
  std::unique_ptr<InputPump> pump_;         // while standard input is read
  Worker worker_;
  std::vector<std::shared_ptr<PacedWork>> building_;  // savepoints
  Worker builder_;                                    // of them: publishing a checkpoint must not wait for one
  std::mt19937_64 random_;

  Phase phase_ = Phase::kStarting;
  bool store_fails_ = false;                // to take records
  std::optional<CheckpointIndex> restore_;  // what the next attempt starts from
  std::string restore_folder_;
  std::shared_ptr<const ScratchFolder> restore_scratch_;  // which that is in, if it was unpacked
  std::string outcome_;                                   // what it has done, once it is over
  std::string restore_savepoint_;                         // its path, if it is one
  bool restore_extends_ = false;
  bool goes_on_ = false;                // the run goes on where it stood
  std::optional<std::string> refused_;  // why an instance could not start from restore_
  std::string continued_from_;
  std::vector<std::string> notices_;
  std::map<std::uint64_t, InstanceFiles> files_;  // InstanceIndex -> files of the current epoch
  std::map<std::uint64_t, std::string> infos_;
  Epoch last_complete_;
  std::optional<CheckpointRecord> current_checkpoint_;
  std::optional<CheckpointRecord> last_checkpoint_;
  std::vector<std::pair<Epoch, SavepointWish>> savepoints_due_;
  std::set<Epoch> aborted_;  // since the last publication
  std::multiset<Epoch> pinned_;
  std::string savepoints_folder_;  // unless somebody says another
  SavepointTimer savepoint_timer_;
  bool savepoint_wanted_ = false;  // the next checkpoint becomes the one that is due
  std::optional<SavepointWish> stop_savepoint_;
  bool stop_savepoint_due_ = false;            // a last checkpoint is on its way to become it
  std::string stop_path_;                      // the savepoint a stop has made
  std::optional<std::string> stop_outcome_;    // of that savepoint
  std::optional<Microseconds> leaving_until_;  // every process has been told to exit; monotonic
  // An index is being written. What it makes of its epoch decides what the next attempt starts from: were
  // it published behind the back of an attempt that goes on from an earlier one, whose sinks have cut
  // their files to that, the next supervisor would find it and trust it.
  bool publishing_ = false;
  // Published without an answer, since the last that had one: the same holds of these until the storage is asked.
  std::map<Epoch, std::shared_ptr<const CheckpointIndex>> undecided_;
  Microseconds decide_at_ = 0;  // monotonic: when it is asked again
  bool claimed_goes_ = false;   // the claimed savepoint is being deleted
  std::optional<Upgrade> upgrade_;
  bool stop_wanted_ = false;
  AbortedStop aborted_stop_;
  int starts_to_stop_ = 0;  // attempts that were to stop, and have not come to run
  bool drain_wanted_ = false;
  bool drained_ = false;         // the current checkpoint comes behind the ends of all sources
  bool ends_by_itself_ = false;  // … and is the last, as nobody has ended them
  bool cancelled_ = false;
  bool interrupted_ = false;
  bool deposed_ = false;
  bool accept_duplicates_ = false;
  int print_output_ = -1;
  int watched_output_ = -1;  // the pipe that rows are printed to, as long as somebody reads it
  int signal_fd_ = -1;
  Microseconds restart_at_ = 0;  // monotonic
  Microseconds started_us_ = 0;  // wall
  Microseconds next_status_ = 0;
  std::optional<std::string> peer_lost_;
  Microseconds peer_lost_at_ = 0;
  std::uint64_t restarts_ = 0;
  std::function<void(const JobRunner&)> status_listener_;
  std::function<void(bool)> ready_;
};

}  // namespace stream
