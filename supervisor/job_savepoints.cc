// Savepoints of a running job: those asked for, those made by themselves, and those that go again.
#include <poll.h>

#include <algorithm>
#include <filesystem>

#include "snapshot/archive/pack.h"
#include "snapshot/savepoint_partial.h"
#include "storage/place.h"
#include "supervisor/checkpoint_storage.h"
#include "supervisor/job_runner.h"
#include "supervisor/job_upgrade.h"
#include "supervisor/job_verbs.h"
#include "supervisor/path_size.h"
#include "supervisor/savepoint_schedule.h"
#include "supervisor/stored_savepoint.h"
#include "transport/base/in_parallel.h"

namespace stream {
namespace {

constexpr int kStatusEveryMs = 250;

namespace fs = std::filesystem;

bool is_there(const std::string& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

// Where those are built that go to storage.
std::string sending_folder(const JobPaths& paths) { return paths.savepoints() + ".sending"; }

// Uploaded it is there as a whole, as its index comes last; here it is needed no more.
Status move_to_storage(const std::string& path, const std::string& url) {
  const Status stored = store_savepoint(path, url);
  if (!stored.ok()) (void)remove_stored(url);
  const Status removed = remove_wherever(path);
  return stored.ok() ? removed : stored;
}

// Two that were asked for at once are cut by one checkpoint: 17, 17-2.
std::string free_target(const std::string& folder, const SavepointWish& wish, Epoch epoch, JobStore& store) {
  const std::string base = folder + "/" + std::to_string(epoch.value());
  const std::string suffix = wish.archive ? std::string(kArchiveSuffix) : wish.single_file ? ".sqlite" : "";
  const auto begun = store.unfinished_savepoints();
  const auto taken = [&](const std::string& path) {
    if (is_there(path)) return true;
    return begun.ok() && std::ranges::any_of(*begun, [&](const SavepointRecord& one) { return one.path == path; });
  };
  std::string target = base + suffix;
  for (int n = 2; taken(target); ++n) target = base + "-" + std::to_string(n) + suffix;
  return target;
}

}  // namespace

// Those that were being built when the supervisor died: either they are there as a whole, or they never were.
Status JobRunner::settle_savepoints() {
  STREAM_ASSIGN(SavepointSchedule schedule, store_->savepoint_schedule());
  savepoint_timer_ = SavepointTimer(std::move(schedule));
  STREAM_ASSIGN(auto unfinished, store_->unfinished_savepoints());
  for (SavepointRecord& record : unfinished) {
    if (is_object_url(record.path)) {
      if (Status removed = remove_stored(record.path); !removed.ok()) log_->warning("savepoints: " + removed.what());
      STREAM_TRY(store_->forget_savepoint(record.path));
      continue;
    }
    const auto index = is_there(record.path) ? savepoint_index(record.path, unpacked_root())
                                             : Result<CheckpointIndex>(failed("not there"));
    if (!index.ok() || index->job != paths_.job || index->epoch.value() != record.epoch) {
      if (Status removed = remove_unfinished(system_files(), record.path); !removed.ok())
        log_->warning("savepoints: " + removed.what());
      STREAM_TRY(store_->forget_savepoint(record.path));
      continue;
    }
    record.building = false;
    record.bytes = size_below(record.path);
    STREAM_TRY(store_->record_savepoint(record));
    event("savepoint", record.path);
  }
  std::error_code none;
  fs::remove_all(sending_folder(paths_), none);
  for (const std::string& folder : savepoint_folders()) STREAM_TRY(remove_savepoint_leftovers(system_files(), folder));
  return {};
}

SavepointRequest JobRunner::savepoint_request(const SavepointWish& wish) const {
  SavepointRequest request;
  request.checkpoints = paths_.checkpoints();
  request.target = wish.target;
  request.label = wish.label;
  request.note = wish.note;
  request.single_file = wish.single_file;
  request.drained = wish.drained;
  request.created_us = system_clock().wall_us();
  return request;
}

void JobRunner::build_savepoints(Epoch epoch) {
  std::vector<std::pair<Epoch, SavepointWish>> later;
  for (auto& [wanted, wish] : savepoints_due_) {
    if (wanted == epoch)
      build_savepoint_of(epoch, wish);
    else
      later.emplace_back(wanted, std::move(wish));
  }
  savepoints_due_ = std::move(later);
}

std::string JobRunner::folder_of(const SavepointWish& wish) const {
  if (!wish.storage.empty()) return sending_folder(paths_);
  return wish.folder.empty() ? savepoints_folder_ : wish.folder;
}

// That it was begun is durable first: whoever finds it complete after a crash knows what it is.
void JobRunner::build_savepoint_of(Epoch epoch, const SavepointWish& wish) {
  const auto request = std::make_shared<SavepointRequest>(savepoint_request(wish));
  if (request->target.empty()) request->target = free_target(folder_of(wish), wish, epoch, *store_);
  const std::string stored =
      wish.storage.empty() ? "" : storage_of_job(wish.storage, fs::path(request->target).filename().string());
  SavepointRecord record{.epoch = epoch.value(),
                         .path = stored.empty() ? request->target : stored,
                         .label = request->label,
                         .created_us = request->created_us,
                         .drained = request->drained,
                         .note = request->note,
                         .written_by = STREAM_VERSION,
                         .building = true};
  // What is there already is refused below, and is recorded as what it is.
  if (!is_there(record.path)) {
    if (Status begun = store_->record_savepoint(record); !begun.ok()) return on_built(epoch, wish, record, begun);
  }
  pinned_.insert(epoch);
  const auto work = std::make_shared<PacedWork>();
  building_.push_back(work);
  if (wish.ends_job) {
    hurry_savepoints();
    request->threads = threads_here();
  }
  request->run = [work](const std::function<Status()>& step) { return work->run(step); };
  const auto bytes = std::make_shared<std::uint64_t>(0);
  builder_.submit(
      [request, epoch, stored, bytes, archive = wish.archive,
       above = wish.folder.empty() ? "" : folder_above(wish.folder)] {
        if (!stored.empty()) STREAM_TRY(system_files().make_dir(fs::path(request->target).parent_path().string()));
        if (!above.empty() && !is_there(above)) return failed("folder '" + above + "' does not exist");
        STREAM_ASSIGN(request->index, load_index(index_path(request->checkpoints, epoch)));
        STREAM_TRY((archive ? build_archive : build_savepoint)(system_files(), *request).status());
        *bytes = size_below(request->target);
        return stored.empty() ? Status() : move_to_storage(request->target, stored);
      },
      [this, epoch, wish, record, bytes, built = work.get()](Status status) mutable {
        record.bytes = *bytes;
        pinned_.erase(pinned_.find(epoch));
        if (!built->refused().empty()) log_->debug("building a savepoint: " + built->refused());
        // Its threads are waited for when it goes, and an idle one takes its time: not here.
        const auto own = std::ranges::find(building_, built, &std::shared_ptr<PacedWork>::get);
        builder_.submit(
            [gone = std::move(*own)]() mutable {
              gone.reset();
              return Status();
            },
            [](const Status&) { return Status(); });
        building_.erase(own);
        on_built(epoch, wish, record, std::move(status));
        return Status();
      });
}

// Nothing else runs any more, or will until they are there.
void JobRunner::hurry_savepoints() {
  for (const auto& work : building_) work->hurry();
}

// Whoever has asked for what is being built gets it, and it is listed.
Status JobRunner::finish_savepoints() {
  hurry_savepoints();
  while (!building_.empty()) {
    pollfd ready{builder_.wake_fd(), POLLIN, 0};
    ::poll(&ready, 1, status_listener_ ? kStatusEveryMs : -1);
    if (status_listener_) status_listener_(*this);
    STREAM_TRY(builder_.deliver());
  }
  return {};
}

void JobRunner::on_built(Epoch epoch, const SavepointWish& wish, SavepointRecord record, Status status) {
  const std::string& target = record.path;
  if (status.ok()) {
    record.building = false;
    status = store_->record_savepoint(record);
    event("savepoint", target);
    log_->info("savepoint of checkpoint " + std::to_string(epoch.value()) + ": " + target);
  } else if (!is_there(target)) {  // nor is what has not come to storage as a whole
    (void)store_->forget_savepoint(target);
  }
  const Microseconds now = system_clock().wall_us();
  if (wish.scheduled && status.ok()) savepoint_timer_.made(now);
  if (!status.ok() && (!wish.scheduled || savepoint_timer_.failed(status.what(), now))) {
    const std::string which = "savepoint of checkpoint " + std::to_string(epoch.value());
    log_->warning(which + " failed: " + status.what());
    if (wish.scheduled) event("savepoint-failed", status.what());
  }
  if (wish.scheduled) stored(store_->save_savepoint_schedule(savepoint_timer_.schedule()));
  verbs_->on_savepoint(wish.asked_by, epoch, target, status);
  if (wish.ends_job) {
    if (status.ok()) (upgrade_ ? upgrade_->savepoint : stop_path_) = target;
    stop_outcome_ = status.ok() ? "savepoint " + target : status.what();
    if (attempt_ == nullptr) conclude();
  } else if (status.ok()) {
    prune_savepoints();
  }
}

// --- made by themselves --------------------------------------------------------------------------

std::vector<std::string> JobRunner::savepoint_folders() const {
  std::vector<std::string> folders = savepoint_folders_of(savepoint_timer_.schedule().rules, paths_);
  if (savepoints_folder_ != paths_.savepoints()) folders.push_back(savepoints_folder_);
  return folders;
}

Status JobRunner::set_schedule(SavepointSchedule schedule) {
  STREAM_TRY(store_->save_savepoint_schedule(schedule));
  savepoint_timer_.set(std::move(schedule));
  prune_savepoints();
  return {};
}

// What the manifest says of them, unless something else was said since by hand.
Status JobRunner::take_up_savepoint_rules() {
  const SavepointSchedule& known = savepoint_timer_.schedule();
  const Microseconds now = system_clock().wall_us();
  SavepointSchedule schedule = take_up(known, plan_.pipeline.savepoints, now);
  if (schedule.by_hand() && schedule.manifest != SavepointRules()) {
    notices_.push_back(
        "savepoints are made as 'stream savepoint --every' has said: " + rules_text(schedule.rules, paths_.job) +
        "; the manifest says " + rules_text(schedule.manifest, paths_.job));
    log_->warning(notices_.back());
  }
  return schedule == known ? Status() : set_schedule(std::move(schedule));
}

SavepointWish JobRunner::scheduled_wish() const {
  const SavepointRules& rules = savepoint_timer_.schedule().rules;
  SavepointWish wish;
  if (is_object_url(rules.to))
    wish.storage = storage_of_job(rules.to, paths_.job);
  else if (!rules.to.empty())
    wish.folder = place_of_savepoints(rules, paths_.job);
  wish.single_file = rules.single_file;
  wish.archive = rules.archive;
  wish.scheduled = true;
  return wish;
}

void JobRunner::tick_schedule(Microseconds now) {
  if (!savepoint_timer_.due(now)) return;
  if (phase_ != Phase::kRunning || !coordinator_ || upgrade_) return;
  savepoint_timer_.begin();
  savepoint_wanted_ = true;
  if (Status asked = act(coordinator_->request(system_clock().monotonic_us())); !asked.ok()) fail(asked.what(), true);
}

// Its checkpoint was aborted, or the attempt has failed.
void JobRunner::savepoint_lost(const SavepointWish& wish) {
  if (wish.scheduled) savepoint_timer_.lost(system_clock().wall_us());
}

// --- going again ---------------------------------------------------------------------------------

// What is gone already, perhaps half by an interrupted deletion, is only forgotten.
void JobRunner::delete_savepoints(const std::vector<std::string>& paths,
                                  const std::function<void(const Status&)>& done) {
  const auto gone = std::make_shared<std::vector<std::string>>();
  // Storage may keep whoever asks it waiting, which the publication of a checkpoint must not.
  Worker& worker = std::ranges::any_of(paths, is_object_url) ? builder_ : worker_;
  worker.submit(
      [paths, gone] {
        for (const std::string& path : paths) {
          STREAM_TRY(remove_wherever(path));
          gone->push_back(path);
        }
        return Status();
      },
      [this, gone, done](Status status) {
        for (const std::string& path : *gone) {
          event("savepoint-deleted", path);
          if (Status forgotten = store_->forget_savepoint(path); status.ok()) status = forgotten;
        }
        done(status);
        return Status();
      });
}

void JobRunner::prune_savepoints() {
  const auto savepoints = store_->savepoints();
  if (!savepoints.ok()) return log_->warning(savepoints.status().what());
  const auto expired = expired_savepoints(*savepoints, savepoint_timer_.schedule().rules, savepoint_folders(),
                                          record_.savepoint, system_clock().wall_us());
  if (expired.empty()) return;
  delete_savepoints(expired, [this](const Status& status) {
    if (!status.ok()) log_->warning("retention of savepoints: " + status.what());
  });
}

// What `stream gc` asks for.
void JobRunner::clean_savepoints() {
  prune_savepoints();
  worker_.submit(
      [folders = savepoint_folders()] {
        for (const std::string& folder : folders) STREAM_TRY(remove_savepoint_leftovers(system_files(), folder));
        return Status();
      },
      [this](const Status& status) {
        if (!status.ok()) log_->warning("savepoints: " + status.what());
        return Status();
      });
}

}  // namespace stream
