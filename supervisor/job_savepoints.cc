// Savepoints of a running job: those asked for, those made by themselves, and those that go again.
#include <algorithm>
#include <filesystem>

#include "snapshot/archive/pack.h"
#include "snapshot/savepoint_partial.h"
#include "supervisor/job_runner.h"
#include "supervisor/job_upgrade.h"
#include "supervisor/job_verbs.h"
#include "supervisor/savepoint_schedule.h"

namespace stream {
namespace {

namespace fs = std::filesystem;

bool is_there(const std::string& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
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

std::uint64_t size_of(const std::string& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) {
    const auto size = fs::file_size(path, error);
    return error ? 0 : size;
  }
  std::uint64_t bytes = 0;
  for (fs::directory_iterator at(path, error), end; !error && at != end; at.increment(error)) {
    std::error_code ignored;
    if (const auto size = at->file_size(ignored); !ignored) bytes += size;
  }
  return bytes;
}

}  // namespace

// Those that were being built when the supervisor died: either they are there as a whole, or they never were.
Status JobRunner::settle_savepoints() {
  STREAM_ASSIGN(schedule_, store_->savepoint_schedule());
  STREAM_ASSIGN(auto unfinished, store_->unfinished_savepoints());
  for (SavepointRecord& record : unfinished) {
    const auto index = is_there(record.path) ? savepoint_index(record.path, unpacked_root())
                                             : Result<CheckpointIndex>(failed("not there"));
    if (!index.ok() || index->job != paths_.job || index->epoch.value() != record.epoch) {
      if (Status removed = remove_unfinished(system_files(), record.path); !removed.ok())
        log_->warning("savepoints: " + removed.what());
      STREAM_TRY(store_->forget_savepoint(record.path));
      continue;
    }
    record.building = false;
    record.bytes = size_of(record.path);
    STREAM_TRY(store_->record_savepoint(record));
    event("savepoint", record.path);
  }
  return remove_savepoint_leftovers(system_files(), paths_.savepoints());
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

// That it was begun is durable first: whoever finds it complete after a crash knows what it is.
void JobRunner::build_savepoint_of(Epoch epoch, const SavepointWish& wish) {
  const auto request = std::make_shared<SavepointRequest>(savepoint_request(wish));
  if (request->target.empty()) request->target = free_target(paths_.savepoints(), wish, epoch, *store_);
  SavepointRecord record{.epoch = epoch.value(),
                         .path = request->target,
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
  if (wish.ends_job) hurry_savepoints();
  request->run = [work](const std::function<Status()>& step) { return work->run(step); };
  builder_.submit(
      [request, epoch, archive = wish.archive] {
        STREAM_ASSIGN(request->index, load_index(index_path(request->checkpoints, epoch)));
        return (archive ? build_archive : build_savepoint)(system_files(), *request).status();
      },
      [this, epoch, wish, record, built = work.get()](Status status) {
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

void JobRunner::on_built(Epoch epoch, const SavepointWish& wish, SavepointRecord record, Status status) {
  const std::string& target = record.path;
  if (status.ok()) {
    record.building = false;
    record.bytes = size_of(target);
    status = store_->record_savepoint(record);
    event("savepoint", target);
    log_->info("savepoint of checkpoint " + std::to_string(epoch.value()) + ": " + target);
  } else {
    log_->warning("savepoint of checkpoint " + std::to_string(epoch.value()) + " failed: " + status.what());
    if (!is_there(target)) (void)store_->forget_savepoint(target);
  }
  if (wish.scheduled) {
    const Microseconds now = system_clock().wall_us();
    schedule_busy_ = false;
    schedule_.next_us = status.ok() ? next_due(schedule_, now) : next_try(schedule_, now);
    stored(store_->save_savepoint_schedule(schedule_));
  }
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

Status JobRunner::set_schedule(SavepointSchedule schedule) {
  schedule.next_us = 0;
  schedule.next_us = next_due(schedule, system_clock().wall_us());
  STREAM_TRY(store_->save_savepoint_schedule(schedule));
  schedule_ = schedule;
  prune_savepoints();
  return {};
}

void JobRunner::tick_schedule(Microseconds now) {
  if (schedule_.every_us == 0 || schedule_busy_ || now < schedule_.next_us) return;
  if (phase_ != Phase::kRunning || !coordinator_) return;
  schedule_busy_ = schedule_wants_ = true;
  if (Status asked = act(coordinator_->request(system_clock().monotonic_us())); !asked.ok()) fail(asked.what(), true);
}

// Its checkpoint was aborted, or the attempt has failed.
void JobRunner::savepoint_lost(const SavepointWish& wish) {
  if (!wish.scheduled) return;
  schedule_busy_ = false;
  schedule_.next_us = next_try(schedule_, system_clock().wall_us());
}

// --- going again ---------------------------------------------------------------------------------

// What is gone already, perhaps half by an interrupted deletion, is only forgotten.
void JobRunner::delete_savepoints(const std::vector<std::string>& paths,
                                  const std::function<void(const Status&)>& done) {
  worker_.submit(
      [paths] {
        for (const std::string& path : paths) {
          if (is_there(path)) STREAM_TRY(delete_any_savepoint(system_files(), path, unpacked_root()).status());
        }
        return Status();
      },
      [this, paths, done](Status status) {
        for (const std::string& path : paths) {
          if (is_there(path)) continue;
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
  const auto expired =
      expired_savepoints(*savepoints, schedule_, paths_.savepoints(), record_.savepoint, system_clock().wall_us());
  if (expired.empty()) return;
  delete_savepoints(expired, [this](const Status& status) {
    if (!status.ok()) log_->warning("retention of savepoints: " + status.what());
  });
}

// What `stream gc` asks for.
void JobRunner::clean_savepoints() {
  prune_savepoints();
  worker_.submit([folder = paths_.savepoints()] { return remove_savepoint_leftovers(system_files(), folder); },
                 [this](const Status& status) {
                   if (!status.ok()) log_->warning("savepoints: " + status.what());
                   return Status();
                 });
}

}  // namespace stream
