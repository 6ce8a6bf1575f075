// What is kept of each attempt: when it began, ran and ended, and what its instances had come to.
#include "supervisor/job_runner.h"
#include "supervisor/job_view.h"

namespace stream {

void JobRunner::note_attempt() {
  note_end_of_attempt("replaced");
  attempt_record_ = {.attempt = record_.attempt.value(), .run = record_.run, .started_us = system_clock().wall_us()};
  if (restore_) attempt_record_.restored = restore_->epoch.value();
  if (restore_ && !restore_extends_) attempt_record_.savepoint = restore_savepoint_;
  stored(store_->begin_attempt(attempt_record_));
}

void JobRunner::note_running() {
  if (attempt_record_.running_us != 0) return;
  attempt_record_.running_us = system_clock().wall_us();
  stored(store_->record_attempt(attempt_record_));
}

void JobRunner::look_at_attempt() {
  if (attempt_) attempt_record_.instances = attempt_instances_json(*this);
}

// Once: the end of a job comes behind that of its last attempt.
void JobRunner::note_end_of_attempt(const std::string& outcome) {
  if (attempt_record_.attempt == 0 || attempt_record_.ended_us != 0) return;
  look_at_attempt();
  attempt_record_.ended_us = system_clock().wall_us();
  attempt_record_.outcome = outcome;
  stored(store_->record_attempt(attempt_record_));
}

}  // namespace stream
