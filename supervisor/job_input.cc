// Standard input as a source of the job: spooled by the supervisor, read by the stage from the spool. And whether
// anybody reads standard output.
#include <poll.h>
#include <sys/stat.h>

#include <algorithm>

#include "supervisor/job_runner.h"
#include "supervisor/spool_needed.h"

namespace stream {

// What was spooled before is kept as long as the run goes on from where it can still be read.
Status JobRunner::prepare_input(std::optional<SampledInput>& input) {
  Files& files = system_files();
  stdin_stage_ = stdin_stage(plan_);
  const bool same_job = restore_ && restore_->job == paths_.job;
  const bool kept = goes_on_ || same_job;
  if (!stdin_stage_) STREAM_TRY(clear_spool(files, paths_.spool()));
  for (const StageSpool& spool : spools(plan_, paths_)) {
    if (!kept) STREAM_TRY(clear_spool(files, spool.folder));
  }
  STREAM_TRY(make_spools());
  STREAM_TRY(check_spool());
  if (!stdin_stage_) return {};
  STREAM_TRY(cut_spool(files, paths_.spool()));
  if (!input) return {};
  STREAM_ASSIGN(pump_, InputPump::start(*std::move(input), files, paths_.spool(), system_clock()));
  return {};
}

Status JobRunner::make_spools() const {
  for (const StageSpool& spool : spools(plan_, paths_)) STREAM_TRY(system_files().make_dir(spool.folder));
  return {};
}

// To go on from the beginning takes the whole of it.
Status JobRunner::check_spool() const {
  if (restore_) return {};
  for (const StageSpool& spool : spools(plan_, paths_)) {
    STREAM_ASSIGN(const bool whole, spool_is_whole(system_files(), spool.folder));
    if (whole) continue;
    return failed("no checkpoint is left that can be used, and what '" + spool.stage +
                  "' read before them is spooled no longer; 'stream run --fresh' starts anew");
  }
  return {};
}

void JobRunner::serve_input() {
  if (!pump_ || phase_ == Phase::kOver) return;
  if (phase_ == Phase::kStopping) pump_->pause();
  if (attempt_) {
    const auto& instances = attempt_->instances();
    const auto at = std::ranges::find_if(instances, [&](const auto& i) { return i.name.stage == *stdin_stage_; });
    if (at != instances.end()) pump_->reader_at({at->stats.spool_input, at->stats.spool_offset});
  }
  for (InputPump::News& news : pump_->take_news()) {
    if (news.fatal) return fail(std::move(news.text), false);
    log_->warning(news.text);
  }
}

// A job that is over needs its input no longer; one that can go on finds it where it left it.
void JobRunner::end_input() {
  if (pump_) {
    if (Status stopped = pump_->stop(); !stopped.ok()) log_->warning("standard input: " + stopped.what());
    pump_.reset();
  }
  if (resumable(record_.state)) return;
  for (const StageSpool& spool : spools(plan_, paths_)) {
    if (Status cleared = clear_spool(system_files(), spool.folder); !cleared.ok()) log_->warning(cleared.what());
  }
}

// A stage that prints hears that its reader has gone when it prints the next row, which may be never.
void JobRunner::watch_output() {
  const auto prints = [](const StageSpec& stage) { return stage.run == "print"; };
  struct stat info {};
  if (print_output_ < 0 || ::fstat(print_output_, &info) != 0 || !S_ISFIFO(info.st_mode)) return;
  if (std::ranges::any_of(plan_.pipeline.stages, prints)) watched_output_ = print_output_;
}

bool JobRunner::reader_gone() const {
  pollfd output{watched_output_, 0, 0};
  return ::poll(&output, 1, 0) > 0 && (output.revents & POLLERR) != 0;
}

}  // namespace stream
