#include "supervisor/job_upgrade.h"

#include <algorithm>

#include "supervisor/job_runner.h"
#include "supervisor/job_verbs.h"
#include "transport/base/text.h"

namespace stream {
namespace {

// The newest checkpoint that can be read and was not refused; 0: none.
Result<Epoch> newest_checkpoint(const std::string& checkpoints) {
  STREAM_ASSIGN(const std::vector<Epoch> epochs, list_checkpoints(system_files(), checkpoints));
  return epochs.empty() ? Epoch(0) : *std::ranges::max_element(epochs);
}

}  // namespace

Status settle_upgrade(JobStore& store, const JobPaths& paths) {
  STREAM_ASSIGN(const auto pending, store.upgrade());
  if (!pending) return {};
  STREAM_ASSIGN(auto record, store.load());
  STREAM_ASSIGN(const Epoch newest, newest_checkpoint(paths.checkpoints()));
  if (record && newest > pending->after) {
    record->manifest = pending->manifest;
    record->plan = pending->plan;
    STREAM_TRY(store.save(*record));
    STREAM_TRY(store.record_event(
        {system_clock().wall_us(), "upgraded", "the new version had a checkpoint when the job ended"}));
  } else {
    STREAM_TRY(store.record_event(
        {system_clock().wall_us(), "rolled-back", "the new version had no checkpoint yet when the job ended"}));
  }
  return store.end_upgrade();
}

bool JobRunner::trying() const { return upgrade_ && upgrade_->stage == UpgradeStage::kTrying; }

void JobRunner::upgrade_step(const std::string& text) {
  log_->info("upgrade: " + text);
  verbs_->on_upgrade_step(upgrade_->wish.asked_by, text, system_clock().monotonic_us() - upgrade_->began);
}

Status JobRunner::begin_upgrade(UpgradeWish wish, SavepointWish savepoint) {
  if (upgrade_) return failed("job '" + paths_.job + "' is being upgraded already");
  if (!coordinator_ || phase_ != Phase::kRunning) {
    return failed("job '" + paths_.job + "' is " + std::string(to_string(phase_)) + "; an upgrade needs it RUNNING");
  }
  if (stdin_stage_ || stdin_stage(wish.plan)) {
    return failed("a pipeline that reads standard input cannot be upgraded while it runs; stop it, then 'stream run'");
  }
  if (wish.plan.pipeline.hosts != plan_.pipeline.hosts)
    return failed("the new version names other hosts; stop the job, then 'stream run' the new version");
  const Microseconds now = system_clock().monotonic_us();
  upgrade_.emplace(Upgrade{std::move(wish)});
  upgrade_->began = now;
  event("upgrading", "stops with a savepoint");
  upgrade_step("the old version stops with a savepoint");
  stop_wanted_ = true;
  stop_savepoint_ = std::move(savepoint);
  phase_ = Phase::kStopping;
  return act(coordinator_->stop(false, now));
}

// The old version has stopped.
void JobRunner::after_stop() {
  stop_wanted_ = false;
  const bool due = std::exchange(stop_savepoint_due_, false);
  stop_savepoint_.reset();
  const std::string outcome = std::exchange(stop_outcome_, std::nullopt).value_or("");
  if (!due) {
    upgrade_.reset();
    return end(JobState::kFinished, "it ended by itself; there was nothing to upgrade");
  }
  Status tried = upgrade_->savepoint.empty() ? failed("unable to make the savepoint: " + outcome) : try_new_version();
  if (!tried.ok()) go_back(tried.what());
}

Status JobRunner::try_new_version() {
  Upgrade& upgrade = *upgrade_;
  upgrade_step("savepoint " + upgrade.savepoint);
  keep_old_version();
  const Epoch after = last_complete_;
  STREAM_TRY(store_->begin_upgrade({after, upgrade.wish.manifest, upgrade.wish.plan_json}));
  upgrade.stage = UpgradeStage::kTrying;
  record_.manifest = upgrade.wish.manifest;
  record_.plan = upgrade.wish.plan_json;
  STREAM_TRY(load_from_savepoint(upgrade.savepoint, false));
  STREAM_TRY(check_fit(upgrade.wish.plan, upgrade.wish.drop_state));
  STREAM_TRY(use_plan(upgrade.wish.plan));
  upgrade.deadline = system_clock().monotonic_us() + upgrade.wish.timeout;
  upgrade_step("the new version starts from it");
  return begin_attempt();
}

void JobRunner::keep_old_version() {
  Upgrade& upgrade = *upgrade_;
  upgrade.old_plan = plan_;
  upgrade.old_plan_json = record_.plan;
  upgrade.old_manifest = record_.manifest;
  upgrade.old_restore = restore_;
  pinned_.insert(last_complete_);
}

Status JobRunner::use_plan(JobPlan plan) {
  STREAM_TRY(claims_->take(plan));
  plan_ = std::move(plan);
  watch_output();
  STREAM_TRY(set_log_levels());
  return make_spools();
}

// What is durable of the record: the old version, as long as nothing of the new one is published.
JobRecord JobRunner::durable_record() const {
  JobRecord record = record_;
  if (trying()) {
    record.manifest = upgrade_->old_manifest;
    record.plan = upgrade_->old_plan_json;
  }
  return record;
}

// Its first checkpoint is not taken before the trial is over.
void JobRunner::on_trial_running(Microseconds now) {
  coordinator_->set_periodic(false);
  upgrade_->checkpoint_at = now + upgrade_->wish.trial.value_or(plan_.pipeline.checkpoint.interval);
  upgrade_step("the new version runs");
}

void JobRunner::check_upgrade(Microseconds now) {
  if (!trying()) return;
  if (now >= upgrade_->deadline) {
    fail("no checkpoint of the new version within " + format_duration(upgrade_->wish.timeout), false);
    return;
  }
  if (!coordinator_ || now < upgrade_->checkpoint_at) return;
  upgrade_->checkpoint_at = INT64_MAX;
  if (Status asked = act(coordinator_->request(now)); !asked.ok()) fail(asked.what(), true);
}

Microseconds JobRunner::upgrade_due() const {
  return trying() ? std::min(upgrade_->deadline, upgrade_->checkpoint_at) : INT64_MAX;
}

// The first checkpoint of the new version is published. No sink has been told yet.
Status JobRunner::accept_new_version(Epoch epoch) {
  upgrade_->stage = UpgradeStage::kAccepted;
  upgrade_->first = epoch;
  STREAM_TRY(save_record());
  event("upgraded", "from savepoint " + upgrade_->savepoint);  // before it is forgotten that there was one
  STREAM_TRY(store_->end_upgrade());
  STREAM_TRY(take_up_savepoint_rules());
  if (coordinator_) coordinator_->set_periodic(plan_.pipeline.checkpoint.enabled);
  upgrade_step("checkpoint " + std::to_string(epoch.value()) + " of the new version is complete");
  return {};
}

void JobRunner::on_upgrade_committed(Epoch epoch) {
  if (!upgrade_ || upgrade_->stage != UpgradeStage::kAccepted || epoch < upgrade_->first) return;
  answer_upgrade(true, "");
}

void JobRunner::answer_upgrade(bool upgraded, std::string reason) {
  if (upgrade_->old_restore) pinned_.erase(pinned_.find(upgrade_->old_restore->epoch));
  const Upgrade done = *std::exchange(upgrade_, std::nullopt);
  verbs_->on_upgraded(done.wish.asked_by, done.savepoint, upgraded, reason, system_clock().monotonic_us() - done.began);
}

// True: the failure is dealt with, the job does not count it.
bool JobRunner::fail_in_upgrade(const std::string& cause) {
  if (!upgrade_ || cancelled_) return false;
  switch (upgrade_->stage) {
    case UpgradeStage::kStopping:  // the old version restarts as ever, and does not stop
      forgo_upgrade("the old version failed while it stopped: " + cause);
      return false;
    case UpgradeStage::kTrying:
      if (publishing_)
        wait_for_outcome(cause);
      else
        go_back(cause);
      return true;
    case UpgradeStage::kAccepted: answer_upgrade(true, "it has failed since: " + cause); return false;
    case UpgradeStage::kGoingBack: return false;
  }
  return false;
}

// An attempt of the new version failed while its first checkpoint was being written.
void JobRunner::settle_trial(Epoch epoch, const CheckpointIndex& index, const Status& published) {
  const std::string cause = upgrade_->cause;
  if (!published.ok()) return go_back(cause);
  adopt_late(epoch, index, published);
  if (Status accepted = accept_new_version(epoch); !accepted.ok()) log_->error(accepted.what());
  answer_upgrade(true, "it has failed since: " + cause);
}

// Its first checkpoint is being written: which version goes on is known when that has come to its end.
void JobRunner::wait_for_outcome(const std::string& cause) {
  upgrade_->cause = cause;
  phase_ = Phase::kRestarting;
  restart_at_ = system_clock().monotonic_us();
}

// The old version starts again where it stopped. Nothing of the new one was published, so nothing was committed.
void JobRunner::go_back(const std::string& cause) {
  Upgrade& upgrade = *upgrade_;
  event("rolled-back", cause);
  upgrade_step("failed: " + cause);
  upgrade.cause = cause;
  upgrade.stage = UpgradeStage::kGoingBack;
  refused_.reset();
  Status back;
  if (upgrade.old_restore) {
    record_.manifest = upgrade.old_manifest;
    record_.plan = upgrade.old_plan_json;
    restore_ = upgrade.old_restore;
    back = use_plan(std::move(upgrade.old_plan));
  }
  restore_folder_ = paths_.checkpoints();
  restore_extends_ = true;
  last_complete_ = restore_->epoch;
  continued_from_ = "checkpoint " + std::to_string(last_complete_.value());
  if (back.ok()) back = save_record();
  if (back.ok()) back = store_->end_upgrade();
  if (!back.ok()) return give_up(back.what());
  upgrade_step("the old version starts again from " + restore_name());
  phase_ = Phase::kRestarting;
  restart_at_ = system_clock().monotonic_us();
}

// The old version cannot stop, and runs on as it was.
void JobRunner::run_on(const std::string& why) {
  forgo_upgrade("unable to stop the old version with a savepoint: " + why + "; it runs on as it was");
  phase_ = Phase::kRunning;
  if (Status acted = act(coordinator_->run_on(system_clock().monotonic_us())); !acted.ok()) fail(acted.what(), true);
}

void JobRunner::forgo_upgrade(const std::string& why) {
  upgrade_->cause = why;
  aborted_stop_ = {};
  stop_wanted_ = false;
  stop_savepoint_.reset();
  stop_savepoint_due_ = false;
  answer_upgrade(false, why);
}

}  // namespace stream
