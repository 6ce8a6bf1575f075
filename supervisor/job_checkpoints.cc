// Carrying out what the coordinator decides: barriers, publication, retention, savepoints.
#include <nlohmann/json.hpp>

#include "snapshot/retention.h"
#include "supervisor/checkpoint_place.h"
#include "supervisor/job_metrics.h"
#include "supervisor/job_runner.h"
#include "supervisor/job_verbs.h"
#include "supervisor/job_view.h"
#include "supervisor/live_rescale.h"
#include "supervisor/plan_hosts.h"
#include "supervisor/spool_needed.h"
#include "transport/base/text.h"

namespace stream {

using nlohmann::json;

namespace {

constexpr Microseconds kLeavePatience = 5'000'000;
constexpr Microseconds kDecideEvery = 500'000;

// An unknown outcome is settled by looking, and made durable: nothing has been sent yet.
Status publish_for_certain(const std::string& checkpoints, const CheckpointIndex& index) {
  Files& files = system_files();
  Status published = publish_checkpoint(files, checkpoints, index);
  if (published.ok() || !load_index(index_path(checkpoints, index.epoch)).ok()) return published;
  STREAM_TRY(files.sync_dir(checkpoint_folder(checkpoints, index.epoch)));
  return files.sync_dir(checkpoints);
}

// With several supervisors the index only makes the checkpoint possible: it counts once that is written where whoever
// leads next reads it.
Status publish_as_leader(const std::string& checkpoints, const CheckpointIndex& index, CheckpointStorage* storage,
                         bool mirrored, Leadership* leadership) {
  if (mirrored) STREAM_TRY(storage->mirror(index));
  STREAM_TRY(publish_for_certain(checkpoints, index));
  if (storage != nullptr) STREAM_TRY(storage->publish(index.epoch));
  return leadership == nullptr ? Status() : leadership->publish(index.run, index.epoch);
}

// For a line of the log, of a job that may have hundreds.
std::string some_of(std::span<const std::string> names) {
  constexpr std::size_t kSome = 5;
  if (names.size() <= kSome) return join(names, ", ");
  return join(names.first(kSome), ", ") + " and " + std::to_string(names.size() - kSome) + " more";
}

}  // namespace

Status JobRunner::act(const Coordinator::Actions& actions) {
  using Kind = CoordinatorAction::Kind;
  for (const CoordinatorAction& action : actions) {
    if (!coordinator_) return {};  // the attempt has failed meanwhile
    switch (action.kind) {
      case Kind::kTrigger: STREAM_TRY(trigger(action)); break;
      case Kind::kPublish: publish(action.epoch); break;
      case Kind::kComplete: STREAM_TRY(attempt_->send_all({"complete", action.epoch.value(), "", {}})); break;
      case Kind::kAborted: record_abort(action); break;
      case Kind::kCommitted: STREAM_TRY(on_committed(action.epoch)); break;
      case Kind::kDrain: STREAM_TRY(attempt_->send_sources({"drain", 0, "", {}})); break;
      case Kind::kFinished: finish(); break;
    }
  }
  return {};
}

Status JobRunner::trigger(const CoordinatorAction& action) {
  files_.clear();
  infos_.clear();
  current_checkpoint_ = CheckpointRecord{action.epoch.value(), "triggered", system_clock().wall_us(), 0, 0, "{}"};
  metrics_->on_triggered(*current_checkpoint_);
  verbs_->on_triggered(action.epoch);
  Status room = check_placed(system_files(), plan_.pipeline.checkpoint.path, paths_.job, true);
  if (room.ok()) room = store_->reserve(action.epoch);
  if (room.ok()) room = system_files().make_dir(checkpoint_folder(paths_.checkpoints(), action.epoch));
  if (!room.ok()) return act(coordinator_->trigger_failed(action.epoch, room.what(), system_clock().monotonic_us()));
  const bool last = action.stopping || (drain_wanted_ && coordinator_->all_ended());
  if (last && stop_savepoint_) {
    savepoints_due_.emplace_back(action.epoch, *stop_savepoint_);
    savepoints_due_.back().second.ends_job = true;
    stop_savepoint_due_ = true;
  }
  if (std::exchange(savepoint_wanted_, false)) savepoints_due_.emplace_back(action.epoch, scheduled_wish());
  // Its barriers come behind the ends of the sources: windows have fired, perhaps not yet all.
  drained_ = coordinator_->draining();
  ends_by_itself_ = coordinator_->all_ended() && !drained_ && !action.stopping;
  for (auto& [epoch, wish] : savepoints_due_) {
    if (epoch == action.epoch) wish.drained = drained_;
  }
  return attempt_->send_sources({"trigger", action.epoch.value(), action.stopping ? "stop" : "", {}});
}

CheckpointIndex JobRunner::make_index(Epoch epoch) const {
  CheckpointIndex index;
  index.epoch = epoch;
  index.job = paths_.job;
  index.run = record_.run;
  index.attempt = record_.attempt;
  index.written_by = STREAM_VERSION;
  index.created_us = system_clock().wall_us();
  index.key_groups = plan_.pipeline.key_groups;
  index.manifest = record_.manifest;
  index.plan = record_.plan;
  index.drained = drained_;
  for (std::size_t i = 0; i < plan_.stages.size(); ++i) {
    index.stages.push_back({plan_.pipeline.stages[i].name, plan_.stages[i].parallelism});
  }
  const auto& instances = attempt_->instances();
  for (const auto& [number, files] : files_) {
    const InstanceName& name = instances[number].name;
    index.instances.push_back({plan_.pipeline.stages[name.stage].name, name.instance, files.files, infos_.at(number)});
  }
  return index;
}

void JobRunner::publish(Epoch epoch) {
  auto index = std::make_shared<CheckpointIndex>(make_index(epoch));
  const Attempt attempt = record_.attempt;
  publishing_ = true;
  worker_.submit(
      [index, checkpoints = paths_.checkpoints(), storage = storage_,
       mirrored = storage_ && has_far_hosts(plan_.pipeline), leadership = leadership_,
       path = plan_.pipeline.checkpoint.path, job = paths_.job] {
        STREAM_TRY(check_placed(system_files(), path, job, true));
        return publish_as_leader(checkpoints, *index, storage.get(), mirrored, leadership.get());
      },
      [this, epoch, index, attempt](Status status) {
        publishing_ = false;
        if (status.ok()) undecided_.clear();
        if (storage_ && status.code() == Code::kSystem) undecided_[epoch] = index;
        if (attempt != record_.attempt || !coordinator_) {
          trying() ? settle_trial(epoch, *index, status) : adopt_late(epoch, *index, status);
          return Status();
        }
        return on_published(epoch, *index, status);
      });
}

// The attempt failed while its index was being written. Nobody was told that the checkpoint is
// complete, so going on from it or from the one before is equally right; the newer saves work.
void JobRunner::adopt_late(Epoch epoch, const CheckpointIndex& index, const Status& status) {
  if (!status.ok() || phase_ != Phase::kRestarting || record_.must_rewind) return;
  if (restore_ && restore_extends_ && restore_->epoch >= epoch) return;
  restore_ = index;
  restore_folder_ = paths_.checkpoints();
  restore_extends_ = true;
  last_complete_ = epoch;
}

// Before anything begins from an earlier one: what its sinks take back would be missing for who trusts it later.
void JobRunner::decide(Microseconds now) {
  if (publishing_ || now < decide_at_) return;
  publishing_ = true;
  std::vector<Epoch> epochs;
  for (const auto& [epoch, index] : undecided_) epochs.push_back(epoch);
  auto newest = std::make_shared<std::optional<Epoch>>();
  worker_.submit(
      [storage = storage_, epochs, newest] {
        STREAM_ASSIGN(*newest, storage->newest_of(epochs));
        return Status();
      },
      [this, newest](const Status& status) {
        publishing_ = false;
        decided(status, *newest);
        return Status();
      });
}

void JobRunner::decided(const Status& status, std::optional<Epoch> newest) {
  if (status.code() == Code::kSystem) {
    decide_at_ = system_clock().monotonic_us() + kDecideEvery;
    log_->warning("waits to know whether checkpoint " + std::to_string(undecided_.rbegin()->first.value()) +
                  " counts: " + status.what());
    return;
  }
  const auto undecided = std::exchange(undecided_, {});
  if (!status.ok()) return fail(status.what(), false);
  if (newest) adopt_late(*newest, *undecided.at(*newest), {});
}

Status JobRunner::on_published(Epoch epoch, const CheckpointIndex& index, const Status& status) {
  const Microseconds now = system_clock().monotonic_us();
  if (storage_ && status.code() == Code::kInterrupted) {
    fail(status.what() + " in '" + plan_.pipeline.checkpoint.path.substr(0, plan_.pipeline.checkpoint.path.find('?')) +
             "'; what it publishes counts, and this one must not go on",
         false);
    return {};
  }
  if (!status.ok()) return act(coordinator_->publish_failed(epoch, status.what(), now));
  last_complete_ = epoch;
  aborted_stop_.published();
  restore_scratch_.reset();
  aborted_.clear();  // all older: retention knows by itself
  restore_ = index;
  restore_folder_ = paths_.checkpoints();
  restore_extends_ = true;
  log_->set_context(record_.attempt, epoch);
  if (trying()) STREAM_TRY(accept_new_version(epoch));
  if (current_checkpoint_ && current_checkpoint_->epoch == epoch.value()) {
    current_checkpoint_->status = "complete";
    current_checkpoint_->ended_us = system_clock().wall_us();
    current_checkpoint_->detail = checkpoint_detail();
    for (const FileRef& file : files_of(index)) {
      if (file.path.starts_with(std::to_string(epoch.value()) + "/")) current_checkpoint_->bytes += file.size_bytes;
    }
    last_checkpoint_ = current_checkpoint_;
    metrics_->on_complete(*last_checkpoint_, index);
    stored(store_->record_checkpoint(*last_checkpoint_));
  }
  return act(coordinator_->published(epoch, now));
}

// Where the time of the current checkpoint went, by instance.
std::string JobRunner::checkpoint_detail() const {
  json detail = json::array();
  for (const InstanceState& state : attempt_->instances()) {
    if (!state.snapshot || !current_checkpoint_ || state.snapshot->epoch != current_checkpoint_->epoch) continue;
    const SnapshotDone& done = *state.snapshot;
    detail.push_back({{"instance", state.label},
                      {"start_delay_us", done.start_wall_us - done.alignment_us - current_checkpoint_->triggered_us},
                      {"alignment_us", done.alignment_us},
                      {"sync_us", done.pause_us},
                      {"async_us", done.async_us},
                      {"rows", done.rows},
                      {"bytes", done.bytes}});
  }
  return detail.dump();
}

std::optional<CheckpointRecord> JobRunner::checkpoint_in_flight() const {
  if (!current_checkpoint_ || current_checkpoint_->status != "triggered") return std::nullopt;
  CheckpointRecord record = *current_checkpoint_;
  record.run = record_.run;
  if (attempt_) record.detail = checkpoint_detail();
  return record;
}

void JobRunner::record_abort(const CoordinatorAction& action) {
  std::vector<std::string> missing;
  if (current_checkpoint_) {
    for (const InstanceState& state : attempt_->instances()) {
      const bool done = state.snapshot && state.snapshot->epoch == action.epoch.value();
      if (!done) missing.push_back(state.label);
    }
    current_checkpoint_->status = "aborted";
    current_checkpoint_->ended_us = system_clock().wall_us();
    current_checkpoint_->detail = json{{"reason", action.reason}, {"waiting_for", join(missing, ", ")}}.dump();
    stored(store_->record_checkpoint(*current_checkpoint_));
    metrics_->on_aborted(*current_checkpoint_, action.reason);
  }
  const std::string text = "checkpoint " + std::to_string(action.epoch.value()) + " aborted: " + action.reason +
                           (missing.empty() ? "" : " (no snapshot of " + some_of(missing) + ")");
  log_->warning(text);
  event("checkpoint-aborted", text);
  if (phase_ == Phase::kStopping) {
    aborted_stop_.aborted("checkpoint " + std::to_string(action.epoch.value()) + " was aborted: " + action.reason,
                          system_clock().monotonic_us());
  }
  std::erase_if(savepoints_due_, [&](const auto& due) {
    const bool lost = due.first == action.epoch;
    if (lost) savepoint_lost(due.second);
    return lost;
  });
  verbs_->on_aborted(action.epoch, action.reason);
  aborted_.insert(action.epoch);
  retain();  // what was written for it may be all the room there is
  if (rescale_) rescale_->on_aborted(action.epoch, action.reason);
}

Status JobRunner::on_committed(Epoch epoch) {
  if (last_checkpoint_ && last_checkpoint_->epoch == epoch.value()) last_checkpoint_->status = "committed";
  stream::on_progress(record_.history);
  verbs_->on_committed(epoch);
  on_upgrade_committed(epoch);
  build_savepoints(epoch);
  drop_claimed();
  retain();
  if (rescale_) rescale_->on_committed(epoch);
  return {};
}

// What somebody reads or will read, however few checkpoints are kept: a savepoint is built when its checkpoint has been
// committed, which may be after the next one was published.
std::set<Epoch> JobRunner::needed() const {
  std::set<Epoch> needed(pinned_.begin(), pinned_.end());
  for (const auto& [epoch, wish] : savepoints_due_) needed.insert(epoch);
  if (restore_ && restore_extends_) needed.insert(restore_->epoch);
  return needed;
}

void JobRunner::retain() {
  if (worker_.pending() > 2) return;  // it comes again with the next checkpoint
  std::set<Epoch> in_progress;
  if (coordinator_ && coordinator_->current()) in_progress.insert(*coordinator_->current());
  const RetentionPolicy policy{plan_.pipeline.checkpoint.keep};
  worker_.submit(
      [paths = paths_, in_progress, aborted = aborted_, pinned = needed(), policy, spools = spools(plan_, paths_),
       leadership = leadership_, storage = storage_] {
        if (storage) STREAM_TRY(storage->settle());
        STREAM_ASSIGN(Inventory inventory, take_inventory(system_files(), paths.checkpoints()));
        inventory.in_progress = in_progress;
        inventory.aborted = aborted;
        inventory.pinned = pinned;
        const RetentionPlan plan = plan_retention(inventory, policy);
        if (leadership && !leadership->lost().empty()) return Status();  // it is for others now
        if (storage) STREAM_TRY(storage->retire(plan));
        STREAM_TRY(execute(system_files(), paths.checkpoints(), plan));
        STREAM_TRY(forget_local_copies(system_files(), paths));
        for (const StageSpool& spool : spools) {
          STREAM_TRY(forget_spool(system_files(), spool.folder, spool_needed(inventory, plan, spool.stage)));
        }
        return Status();
      },
      [this](const Status& status) {
        if (!status.ok()) log_->warning("retention: " + status.what());
        return Status();
      });
}

// The last checkpoint is committed everywhere: every process may go.
void JobRunner::finish() {
  if (Status sent = attempt_->send_all({"exit", 0, "", {}}); !sent.ok()) log_->warning(sent.what());
  if (rescale_) std::exchange(rescale_, nullptr)->give_up("its input has ended, and it finishes by itself");
  coordinator_.reset();
  if (last_checkpoint_) stored(store_->record_checkpoint(*last_checkpoint_));  // it is committed: see settle_drain()
  outcome_ = outcome_text(*this);
  if (status_listener_) status_listener_(*this);  // the last look at its processes
  metrics_->last_look();
  keep_last_look();
  look_at_attempt();
  leaving_until_ = system_clock().monotonic_us() + kLeavePatience;
}

// Every window has fired, and what came of it is out.
bool JobRunner::has_drained() const {
  return restore_ && restore_->drained && last_checkpoint_ && last_checkpoint_->epoch == restore_->epoch.value() &&
         last_checkpoint_->status == "committed";
}

// They close what they have open, so that a result is whole without its journal. Nothing depends on
// it: who takes too long is killed.
void JobRunner::check_leaving(Microseconds now) {
  if (!leaving_until_ || (!attempt_->all_exited() && now < *leaving_until_)) return;
  leaving_until_.reset();
  attempt_.reset();
  conclude();
}

void JobRunner::conclude() {
  if (upgrade_ && upgrade_->stage == UpgradeStage::kStopping) {
    if (!stop_savepoint_due_ || stop_outcome_) after_stop();
    return;
  }
  if (!stop_wanted_ && !drain_wanted_) return end(JobState::kFinished, "", outcome_);
  // Its last checkpoint had begun before the stop came.
  if (ends_by_itself_) {
    return end(JobState::kFinished,
               std::string("it ended by itself") + (stop_savepoint_ ? "; there is no savepoint" : ""));
  }
  if (!stop_savepoint_) return end(JobState::kStopped, "final checkpoint " + std::to_string(last_complete_.value()));
  if (stop_outcome_) end(JobState::kStopped, *stop_outcome_);  // else its completion ends the job
}

// The newest checkpoint that no instance has refused. What this supervisor published itself is trusted
// until one does; files are checked again when they are read.
Status JobRunner::choose_restore() {
  if (!refused_) return {};
  const std::string why = *std::exchange(refused_, std::nullopt);
  if (!restore_extends_) {
    return failed("'" + restore_savepoint_ + "', which the job went on from, cannot be used: " + why +
                  "; begin with another one, 'stream run --from', or anew, 'stream run --fresh'");
  }
  const Epoch refused = restore_->epoch;
  // Before anything is taken back: whoever restored it later would miss what sinks have taken back.
  STREAM_TRY(refuse(refused));
  STREAM_ASSIGN(NewestGood found, find_newest_good(system_files(), paths_.checkpoints()));
  for (const Damaged& damaged : found.damaged) {
    if (damaged.epoch == refused) continue;
    log_->error("checkpoint " + std::to_string(damaged.epoch.value()) + " is damaged: " + damaged.reason);
  }
  restore_ = std::move(found.index);
  if (!restore_ && !record_.savepoint.empty()) STREAM_TRY(load_from_savepoint(record_.savepoint, true));
  record_.must_rewind = true;
  record_.rewind_after = restore_ ? restore_->epoch.value() : 0;
  log_->warning("checkpoint " + std::to_string(refused.value()) + " cannot be used; goes back to " + restore_name());
  return check_spool();
}

// What the next attempt starts from.
std::string JobRunner::restore_name() const {
  if (!restore_) return "the beginning";
  return restore_extends_ ? "checkpoint " + std::to_string(restore_->epoch.value()) : "savepoint " + restore_savepoint_;
}

}  // namespace stream
