// What a run starts from: a new run, the newest good checkpoint, or a savepoint.
#include <algorithm>

#include "snapshot/savepoint.h"
#include "supervisor/checkpoint_place.h"
#include "supervisor/job_autoscale.h"
#include "supervisor/job_metrics.h"
#include "supervisor/job_runner.h"
#include "supervisor/job_verbs.h"
#include "supervisor/last_look.h"
#include "supervisor/live_rescale.h"
#include "supervisor/plan_hosts.h"
#include "supervisor/state_fit.h"
#include "transport/base/files.h"

namespace stream {
namespace {

constexpr std::size_t kMissingLookedFor = 100;  // more than are ever retained behind the newest good one

std::string random_id(std::mt19937_64& random) {
  RunId id{};
  for (std::uint8_t& byte : id) byte = static_cast<std::uint8_t>(random());
  return to_string(id);
}

Status was_drained(const std::string& what) {
  return failed(what + " was drained: its windows have fired; add --accept-drained to go on from it");
}

}  // namespace

Result<std::unique_ptr<JobRunner>> JobRunner::create(RunRequest request) {
  std::unique_ptr<JobRunner> runner(new JobRunner());
  STREAM_TRY(runner->prepare(std::move(request)));
  return runner;
}

JobRunner::JobRunner()
    : metrics_(std::make_unique<JobMetrics>(*this)),
      autoscale_(std::make_unique<JobAutoscale>(*this)),
      random_(std::random_device{}()) {}

JobRunner::~JobRunner() { hurry_savepoints(); }

Status JobRunner::prepare(RunRequest request) {
  paths_ = job_paths(request.plan.pipeline.name);
  accept_duplicates_ = request.accept_duplicates;
  print_output_ = request.print_output;
  started_us_ = system_clock().wall_us();
  STREAM_TRY(make_job_folders(paths_));
  STREAM_ASSIGN(lock_, JobLock::take(paths_));
  STREAM_ASSIGN(const LogLevel level, parse_log_level(request.plan.pipeline.log));
  STREAM_ASSIGN(log_, JobLog::open(paths_.logs(), paths_.job, level, request.plan.pipeline.log_to));
  STREAM_ASSIGN(store_, JobStore::open(paths_.store()));
  leadership_ = std::move(request.leadership);
  last_led_at_ = std::move(request.last_led_at);
  if (leadership_) STREAM_TRY(store_->tell(leadership_.get()));
  forget_last_look(paths_);
  STREAM_TRY(settle_upgrade(*store_, paths_));
  STREAM_ASSIGN(claims_, OutputClaims::open(paths_, leadership_ ? leadership_->place() : ""));
  STREAM_TRY(claims_->take(request.plan));
  STREAM_TRY(place_savepoints(request.plan.pipeline));
  STREAM_TRY(settle_savepoints());
  STREAM_TRY(prepare_record(request));
  STREAM_TRY(autoscale_->load(goes_on_));
  plan_ = std::move(request.plan);
  STREAM_TRY(take_up_savepoint_rules());
  STREAM_TRY(set_log_levels());
  watch_output();
  STREAM_TRY(prepare_input(request.input));
  STREAM_TRY(prepare_hosts());
  STREAM_ASSIGN(control_, ControlServer::bind(transport_, "ipc://" + paths_.sockets() + "/control",
                                              transport_.keys().has_value()));
  STREAM_ASSIGN(verb_socket_, ControlServer::bind(transport_, paths_.verb_endpoint()));
  verbs_ = std::make_unique<JobVerbs>(*this, *verb_socket_);
  return {};
}

// Whoever leads next must find them.
Status JobRunner::place_savepoints(const PipelineSpec& pipeline) {
  const bool shared = leadership_ && !is_object_url(pipeline.checkpoint.path);
  savepoints_folder_ = shared ? shared_savepoints(pipeline.checkpoint.path, paths_.job) : paths_.savepoints();
  return shared ? system_files().make_dir(savepoints_folder_) : Status();
}

// What was chosen while it ran holds, unless the pipeline has been given another number of instances since.
void JobRunner::keep_rescaled_stages(RunRequest& request, const JobRecord& known) {
  const auto before = plan_from_json(known.plan);
  if (!before.ok()) return;
  KeptRescale kept = keep_rescaled(request.plan, *before);
  if (kept.notes.empty()) return;
  request.plan = std::move(kept.plan);
  request.manifest = pipeline_to_json(request.plan.pipeline);
  for (const std::string& note : kept.notes) {
    notices_.push_back(note);
    log_->warning(note);
  }
}

Status JobRunner::set_log_levels() {
  for (const StageSpec& stage : plan_.pipeline.stages) {
    STREAM_ASSIGN(const LogLevel least, parse_log_level(stage.log.empty() ? plan_.pipeline.log : stage.log));
    log_->set_least(stage.name, least);
  }
  return {};
}

Status JobRunner::prepare_record(RunRequest& request) {
  STREAM_ASSIGN(auto known, store_->load());
  if (known) record_ = *known;
  goes_on_ = known && resumable(known->state) && !request.fresh && request.from.empty();
  const bool goes_back = request.back_to != Epoch(0);
  const std::string& path = request.plan.pipeline.checkpoint.path;
  const bool keep = goes_on_ || goes_back || !request.from.empty();
  STREAM_TRY(place_checkpoints(system_files(), paths_, path, keep, leadership_ ? leadership_->place() : ""));
  STREAM_TRY(take_storage(path, keep));
  const bool shared = leadership_ || has_far_hosts(request.plan.pipeline);
  if (shared && !storage_) STREAM_TRY(share_folders(system_files(), paths_, path));
  if (goes_back) {
    STREAM_TRY(go_back_to_checkpoint(request));
    goes_on_ = true;
  }
  if (!goes_on_) return start_new_run(request);
  keep_rescaled_stages(request, *known);
  record_.manifest = request.manifest;
  record_.plan = plan_to_json(request.plan);
  record_.state = JobState::kRunning;
  record_.reason.clear();
  // A run that failed has used up its attempts: whoever starts it again grants new ones.
  if (known->state != JobState::kRunning) record_.history = {};
  STREAM_TRY(choose_from_checkpoints(request.back_to != Epoch(0)));
  if (!restore_ && !record_.savepoint.empty()) {
    STREAM_TRY(load_from_savepoint(record_.savepoint, true));  // the run has begun with it
    if (record_.must_rewind) record_.rewind_after = restore_->epoch.value();
  }
  if (restore_ && restore_extends_ && restore_->drained)
    STREAM_TRY(settle_drain(request.accept_drained, known->state == JobState::kStopped));
  STREAM_TRY(fit_or_settle(request));
  return save_record();
}

// Of a checkpoint that was drained. One that was cut off, perhaps before what its windows gave was committed, is
// finished: nothing more is read for that. `stopped`: it has come to an end.
Status JobRunner::settle_drain(bool accepted, bool stopped) {
  if (accepted) return store_->accept_drained(restore_->epoch);
  STREAM_ASSIGN(const bool before, store_->accepted_drained(restore_->epoch));
  if (before) return {};
  STREAM_ASSIGN(const auto newest, store_->checkpoints(kMissingLookedFor));
  const bool committed = std::ranges::any_of(newest, [&](const CheckpointRecord& record) {
    return record.epoch == restore_->epoch.value() && record.status == "committed";
  });
  if (stopped && committed) return was_drained(continued_from_);
  notices_.push_back(continued_from_ +
                     " was drained, and the job ended meanwhile: that is finished, and it stops again");
  log_->warning(notices_.back());
  drain_wanted_ = true;
  stop_savepoint_ = SavepointWish();
  return {};
}

// A job stopped with a savepoint has settled everything, which its last checkpoint cannot show: where a change
// does not fit the one it may fit the other.
Status JobRunner::fit_or_settle(const RunRequest& request) {
  Status fits = check_fit(request.plan, request.drop_state);
  if (fits.ok() || !restore_extends_ || record_.must_rewind) return fits;
  STREAM_ASSIGN(const auto savepoints, store_->savepoints());
  for (const SavepointRecord& savepoint : savepoints) {
    if (savepoint.epoch != restore_->epoch.value()) continue;
    if (!load_from_savepoint(savepoint.path, true).ok()) return fits;
    return check_fit(request.plan, request.drop_state);
  }
  return fits;
}

// State must not be taken for something it is not, nor be left behind unsaid.
Status JobRunner::check_fit(const JobPlan& wanted, bool drop_state) {
  if (!restore_) return {};
  const auto kept = plan_from_json(restore_->plan);
  if (!kept.ok()) return failed("unable to go on from " + restore_name() + ": " + kept.status().what());
  const StateFit fit = fit_state(*kept, wanted, !restore_extends_);
  if (!fit.fits(drop_state)) {
    return failed(fit.report("the pipeline does not fit the state of " + restore_name() +
                             "; change it back, or start anew with --fresh:"));
  }
  for (const std::string& note : fit.notes) {
    notices_.push_back(note);
    log_->warning(note);
  }
  return {};
}

Status JobRunner::start_new_run(const RunRequest& request) {
  if (record_.id.empty()) record_.id = random_id(random_);
  const JobRecord known = record_;
  record_.run = random_id(random_);
  record_.output_run = record_.run;
  record_.parent.clear();
  record_.base = 0;
  record_.going_back = false;
  record_.claimed = request.claim ? request.from : "";
  record_.state = JobState::kRunning;
  record_.manifest = request.manifest;
  record_.plan = plan_to_json(request.plan);
  record_.savepoint = request.from;
  record_.submitted_us = started_us_;
  record_.reason.clear();
  record_.history = {};
  record_.must_rewind = false;
  if (!request.from.empty()) {
    STREAM_TRY(load_from_savepoint(request.from, request.accept_drained));
    STREAM_TRY(check_fit(request.plan, request.drop_state));
    STREAM_TRY(choose_outputs(request, known));
  }
  STREAM_TRY(save_record());
  if (leadership_) STREAM_TRY(leadership_->begin_run(record_.id, record_.run));
  if (leadership_ && !leadership_->lost().empty()) return failed(leadership_->lost());
  return forget_checkpoints();
}

Status JobRunner::load_from_savepoint(const std::string& path, bool accept_drained) {
  STREAM_ASSIGN(const OpenSavepoint opened, OpenSavepoint::open(path, unpacked_root()));
  const CheckpointIndex& index = opened.index();
  STREAM_TRY(verify_files(index, opened.folder()));
  if (index.drained && !accept_drained) return was_drained("'" + path + "'");
  restore_ = index;
  restore_folder_ = opened.folder();
  restore_scratch_ = opened.hold();
  restore_savepoint_ = path;
  restore_extends_ = false;
  // Its epoch may be one of another job: state and output are ordered by epochs, so ours come after it.
  STREAM_TRY(store_->reserve(restore_->epoch));
  continued_from_ = "savepoint " + path;
  return {};
}

// The newest checkpoint whose files all check. Skipping a newer, published one means that its
// output may be out already: the sinks must take it back.
Status JobRunner::choose_from_checkpoints(bool going_back) {
  restore_.reset();
  STREAM_ASSIGN(NewestGood found, find_newest_good(system_files(), paths_.checkpoints()));
  if (found.index && found.index->run != record_.run) return forget_checkpoints();  // a new run was about to begin
  STREAM_TRY(find_missing(found));
  for (const Damaged& damaged : found.damaged) {
    if (going_back) break;  // they are those that were put out of use
    notices_.push_back("checkpoint " + std::to_string(damaged.epoch.value()) + " is damaged: " + damaged.reason);
    log_->error(notices_.back());
    event("checkpoint-damaged", "checkpoint " + std::to_string(damaged.epoch.value()) + ": " + damaged.reason);
  }
  // Also where a going back was cut short before it took what is newer out of use.
  if (!found.damaged.empty()) record_.must_rewind = true;
  record_.rewind_after = found.index ? found.index->epoch.value() : 0;
  if (!found.index) return {};
  last_complete_ = found.index->epoch;
  continued_from_ = "checkpoint " + std::to_string(found.index->epoch.value());
  restore_ = std::move(found.index);
  restore_folder_ = paths_.checkpoints();
  restore_extends_ = true;
  return {};
}

// A checkpoint that was published and whose index is gone shows only in the store. Those older than all that
// is left have been pruned.
Status JobRunner::find_missing(NewestGood& found) {
  STREAM_ASSIGN(const auto records, store_->checkpoints(kMissingLookedFor));
  const bool nothing_left = !found.index && found.damaged.empty();
  const Epoch oldest = found.index ? found.index->epoch : found.damaged.empty() ? Epoch(0) : found.damaged.back().epoch;
  for (const CheckpointRecord& record : records) {
    const Epoch epoch(record.epoch);
    if (epoch <= oldest) break;
    if (record.status == "aborted") continue;
    const bool known =
        std::ranges::any_of(found.damaged, [&](const Damaged& damaged) { return damaged.epoch == epoch; });
    if (!known) found.damaged.push_back({epoch, "'" + index_path(paths_.checkpoints(), epoch) + "' is missing"});
    if (nothing_left) break;
  }
  return {};
}

// From here on nobody else publishes there.
Status JobRunner::take_storage(const std::string& path, bool keep) {
  if (!is_object_url(path)) return {};
  STREAM_ASSIGN(auto storage, CheckpointStorage::open(paths_, path));
  STREAM_TRY(storage->take(place_owner(paths_, leadership_ ? leadership_->place() : "")));
  if (keep) {
    STREAM_TRY(storage->fetch());
    STREAM_ASSIGN(const auto garbage, storage->garbage());
    STREAM_TRY(storage->remove(garbage));
  }
  storage_ = std::move(storage);
  return {};
}

// Instances on other hosts cannot read it here.
Status JobRunner::lend_savepoint() {
  if (!storage_ || !restore_ || restore_extends_ || lent_ == restore_savepoint_) return {};
  if (!has_far_hosts(plan_.pipeline)) return {};
  STREAM_TRY(storage_->lend(*restore_, restore_folder_));
  lent_ = restore_savepoint_;
  return {};
}

// A checkpoint that cannot be used, or is not to be: for good, and wherever it is.
Status JobRunner::refuse(Epoch epoch) {
  STREAM_TRY(refuse_checkpoint(system_files(), paths_.checkpoints(), epoch));
  return storage_ ? storage_->refuse(epoch) : Status();
}

Status JobRunner::forget_checkpoints() {
  STREAM_TRY(store_->leave_checkpoints(record_.run));
  if (storage_) STREAM_TRY(storage_->clear());
  return remove_checkpoints(system_files(), paths_);
}

Status JobRunner::save_record() { return store_->save(durable_record()); }

}  // namespace stream
