// Going back: a job starts again from where it was before, and what its sinks have written since is dealt with.
#include <algorithm>

#include "supervisor/job_runner.h"

namespace stream {
Result<Epoch> JobRunner::newest_published() const {
  STREAM_ASSIGN(const auto epochs, list_checkpoints(system_files(), paths_.checkpoints()));
  return epochs.empty() ? Epoch(0) : *std::ranges::max_element(epochs);
}

// The checkpoints behind it go out of use, newest first: wherever this ends, the job goes on from the newest that is
// left, and its sinks take back what came later.
Status JobRunner::go_back_to_checkpoint(const RunRequest& request) {
  STREAM_ASSIGN(auto epochs, list_checkpoints(system_files(), paths_.checkpoints()));
  std::ranges::sort(epochs);
  const std::string name = "checkpoint " + std::to_string(request.back_to.value());
  if (std::ranges::find(epochs, request.back_to) == epochs.end())
    return failed("job '" + paths_.job + "' has no " + name + " any more");
  STREAM_ASSIGN(const CheckpointIndex index, load_checkpoint(paths_.checkpoints(), request.back_to));
  if (index.run != record_.run) return failed(name + " is of a run of job '" + paths_.job + "' that is over");
  if (request.outputs == Outputs::kBeside)
    return failed("a run that writes beside begins with a savepoint, not with " + name +
                  ": what sinks had left to write then is in it");
  if (epochs.back() == request.back_to) return {};
  GoingBack what{.to = name, .epoch = request.back_to, .job = paths_.job};
  what.newest = epochs.back();
  what.outputs = request.outputs;
  what.accept_duplicates = request.accept_duplicates;
  STREAM_TRY(decide_going_back(what, request.plan).status());
  record_.going_back = true;
  record_.must_rewind = true;
  record_.rewind_after = request.back_to.value();
  STREAM_TRY(save_record());
  for (auto epoch = epochs.rbegin(); *epoch != request.back_to; ++epoch) STREAM_TRY(refuse(*epoch));
  return {};
}

// Of a run that begins with restore_, a savepoint: which run its sinks take it for, and whether they go back. `known`
// is the run before it.
Status JobRunner::choose_outputs(const RunRequest& request, const JobRecord& known) {
  record_.parent = restore_->run;
  record_.base = restore_->epoch.value();
  GoingBack what{.to = "savepoint '" + request.from + "'", .epoch = restore_->epoch, .job = paths_.job};
  what.known = !known.run.empty();
  STREAM_ASSIGN(what.its_own, store_->descends(known.run, restore_->run, restore_->epoch));
  what.of_its_name = restore_->job == paths_.job;
  STREAM_ASSIGN(const Epoch published, newest_published());
  what.newest = std::max(published, Epoch(known.base));  // before its first, a run has what it began with
  if (known.must_rewind) what.going_back = Epoch(known.rewind_after);
  what.outputs = request.outputs;
  what.accept_duplicates = request.accept_duplicates;
  STREAM_ASSIGN(const SinksDo sinks, decide_going_back(what, request.plan));
  if (sinks == SinksDo::kBegin) return {};
  record_.output_run = known.output_run;
  if (sinks == SinksDo::kGoOn) return {};
  record_.going_back = true;
  record_.must_rewind = true;
  record_.rewind_after = record_.base;
  return {};
}

// A claimed savepoint is one more checkpoint of the job: it goes when as many newer ones are there as are kept. First
// the job goes back to it no more.
void JobRunner::drop_claimed() {
  if (record_.claimed.empty() || claimed_goes_) return;
  const auto kept = list_checkpoints(system_files(), paths_.checkpoints());
  if (!kept.ok() || kept->size() < plan_.pipeline.checkpoint.keep) return;
  record_.savepoint.clear();
  if (Status saved = save_record(); !saved.ok()) return log_->warning(saved.what());
  claimed_goes_ = true;
  worker_.submit([path = record_.claimed] { return delete_savepoint(system_files(), path).status(); },
                 [this, path = record_.claimed](Status deleted) {
                   claimed_goes_ = false;
                   if (!deleted.ok()) log_->warning("claimed savepoint: " + deleted.what());
                   if (deleted.ok()) event("savepoint-deleted", path);
                   if (deleted.ok()) deleted = store_->forget_savepoint(path);
                   if (!deleted.ok() && deleted.code() == Code::kSystem) return Status();  // tried again
                   record_.claimed.clear();
                   return save_record();
                 });
}

}  // namespace stream
