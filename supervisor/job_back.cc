// Going back: a job starts again from where it was before, and what its sinks have written since is dealt with.
#include <algorithm>

#include "supervisor/job_runner.h"
#include "transport/base/text.h"

namespace stream {
namespace {

// Sinks that have something to take back, each with what it can do.
std::vector<std::string> abilities(const JobPlan& plan) {
  std::vector<std::string> all;
  for (std::size_t i = 0; i < plan.stages.size(); ++i) {
    const std::string& goes_back = plan.stages[i].answer.goes_back;
    if (goes_back.empty()) continue;
    const std::string can = goes_back == "all"        ? "can"
                            : goes_back == "inserted" ? "can, if nothing was replaced since"
                                                      : "cannot";
    all.push_back("'" + plan.pipeline.stages[i].name + "' " + can);
  }
  return all;
}

}  // namespace

Result<Epoch> JobRunner::newest_published() const {
  STREAM_ASSIGN(const auto epochs, list_checkpoints(system_files(), paths_.checkpoints()));
  return epochs.empty() ? Epoch(0) : *std::ranges::max_element(epochs);
}

// What is written already must not come again unasked.
Status JobRunner::decide(const RunRequest& request, const std::string& where, const std::string& behind) {
  const std::vector<std::string> sinks = abilities(request.plan);
  if (sinks.empty() || request.outputs == Outputs::kRewind || request.accept_duplicates) return {};
  return failed(where + " is behind " + behind +
                ", whose rows are written: say with --outputs rewind that they are to be taken back (" +
                join(sinks, ", ") + "), or with --outputs beside that this run writes elsewhere");
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
  if (request.outputs == Outputs::kBeside)
    return failed("a run that writes beside begins with a savepoint, not with " + name +
                  ": what sinks had left to write then is in it");
  if (epochs.back() == request.back_to) return {};
  STREAM_TRY(decide(request, name, "checkpoint " + std::to_string(epochs.back().value())));
  record_.going_back = true;
  record_.must_rewind = true;
  record_.rewind_after = request.back_to.value();
  STREAM_TRY(save_record());
  for (auto epoch = epochs.rbegin(); *epoch != request.back_to; ++epoch)
    STREAM_TRY(refuse_checkpoint(system_files(), paths_.checkpoints(), *epoch));
  return {};
}

// Of a run that begins with restore_, a savepoint: which run its sinks take it for, and whether they go back.
Status JobRunner::choose_outputs(const RunRequest& request, const JobRecord& known) {
  record_.parent = restore_->run;
  record_.base = restore_->epoch.value();
  if (request.outputs == Outputs::kBeside || known.run.empty()) return {};
  STREAM_ASSIGN(const bool own, store_->descends(known.run, restore_->run, restore_->epoch));
  const std::string where = "savepoint '" + request.from + "'";
  if (!own) {
    if (restore_->job != paths_.job || abilities(request.plan).empty() || request.accept_duplicates) return {};
    return failed(where + " is not of what '" + paths_.job +
                  "' has come from since: its sinks cannot tell what to take back; say with --outputs beside that this "
                  "run writes elsewhere, or go on with --accept-duplicates");
  }
  record_.output_run = known.output_run;
  if (known.must_rewind && known.rewind_after < record_.base) {
    return failed(where + " is behind checkpoint " + std::to_string(known.rewind_after) +
                  ", to which sinks are just going back; go on from there first");
  }
  STREAM_ASSIGN(const Epoch newest, newest_published());
  if (newest <= restore_->epoch && !known.must_rewind) return {};
  STREAM_TRY(decide(request, where, "checkpoint " + std::to_string(newest.value())));
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
