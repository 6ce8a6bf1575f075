#include "supervisor/job_runner.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>

#include "supervisor/exit_rules.h"
#include "supervisor/job_autoscale.h"
#include "supervisor/job_metrics.h"
#include "supervisor/job_verbs.h"
#include "supervisor/last_look.h"
#include "supervisor/live_rescale.h"
#include "transport/base/text.h"

namespace stream {
namespace {

constexpr std::string_view kReaderGone = "the reader of standard output has gone";
constexpr Microseconds kStatusEvery = 250'000;
constexpr Microseconds kTroubleGrace = 3'000'000;  // a server that is started again is there by then
constexpr int kStartsToStop = 3;
constexpr Microseconds kPeerLostGrace = 200'000;  // for the death that explains a lost connection

template <class... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};
template <class... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;

}  // namespace

std::string_view to_string(Phase phase) {
  constexpr std::array<std::string_view, 6> kNames = {"STARTING", "RUNNING", "RESTARTING",
                                                      "STOPPING", "OVER",    "RESCALING"};
  return kNames[static_cast<std::size_t>(phase)];
}

Result<JobState> JobRunner::run(const std::function<void(bool running)>& ready) {
  ready_ = ready;
  event("started", continued_from_.empty() ? "a new run" : "continues from " + continued_from_);
  const Status status = gather_hosts() ? Status() : begin_attempt();
  if (!status.ok()) fail(status.what(), status.code() != Code::kUsage && status.code() != Code::kNotFound);
  while (phase_ != Phase::kOver) STREAM_TRY(turn());
  metrics_->finish(*log_);
  attempt_.reset();
  end_input();
  STREAM_TRY(finish_savepoints());
  verbs_->say_goodbye();
  if (ready_) std::exchange(ready_, nullptr)(false);
  return record_.state;
}

Status JobRunner::begin_attempt() {
  phase_ = stop_wanted_ || drain_wanted_ ? Phase::kStopping : Phase::kStarting;
  STREAM_TRY(autoscale_->fit());
  record_.attempt = record_.attempt.next();
  STREAM_TRY(save_record());  // durable before any process of it exists
  note_attempt();
  // What sinks commit when they are restored must be what whoever leads next goes on from.
  if (leadership_ && restore_ && restore_extends_) STREAM_TRY(leadership_->publish(record_.run, restore_->epoch));
  log_->set_context(record_.attempt, last_complete_);
  if (record_.must_rewind) STREAM_TRY(store_->take_back(record_.run, Epoch(record_.rewind_after)));
  STREAM_TRY(place_instances(plan_));
  STREAM_TRY(lend_savepoint());
  AttemptRun::Setup setup;
  setup.plan = &plan_;
  setup.channels = channels_of(plan_);
  setup.assignments = make_assignments(plan_, setup.channels, attempt_start());
  setup.launcher = launcher_.get();
  if (transport_.keys()) setup.key = secret_to_text(transport_.keys()->secret);
  setup.print_output = print_output_;
  setup.heartbeat = plan_.pipeline.restart.heartbeat;
  set_stats_every(setup.assignments);
  coordinator_.reset();
  files_.clear();
  peer_lost_.reset();
  attempt_.reset();
  remove_old_sockets(paths_);
  attempt_ = std::make_unique<AttemptRun>(std::move(setup), *control_, *log_);
  log_->info("attempt " + std::to_string(record_.attempt.value()) + " starts" +
             (restore_ ? " from " + restore_name() : ""));
  return attempt_->start();
}

AttemptStart JobRunner::attempt_start() const {
  AttemptStart start;
  start.paths = paths_;
  start.run = record_.output_run;
  start.attempt = record_.attempt;
  start.restore = restore_;
  start.restore_folder = restore_folder_;
  start.extend = restore_extends_;
  if (record_.must_rewind) start.rewind_after = Epoch(record_.rewind_after);
  start.going_back = record_.going_back;
  start.accept_duplicates = accept_duplicates_;
  start.several_supervisors = leadership_ != nullptr;
  start.placed = placed_;
  return start;
}

void JobRunner::set_stats_every(std::vector<Assignment>& assignments) const {
  for (Assignment& assignment : assignments) {
    assignment.stats_every = std::min<Microseconds>(500'000, plan_.pipeline.restart.heartbeat / 4);
  }
}

Microseconds JobRunner::patience(Microseconds now) const {
  Microseconds until = now + 1'000'000;
  if (coordinator_) {
    if (const auto tick = coordinator_->next_tick()) until = std::min(until, *tick);
  }
  if (phase_ == Phase::kRestarting && may_begin_again()) until = std::min(until, restart_at_);
  if (phase_ == Phase::kRestarting && !undecided_.empty() && !publishing_) until = std::min(until, decide_at_);
  if (status_listener_) until = std::min(until, next_status_);
  until = std::min(until, metrics_->next());
  until = std::min(until, launcher_->next_turn());
  until = std::min(until, upgrade_due());
  if (phase_ == Phase::kRunning) until = std::min(until, autoscale_->next());
  if (peer_lost_) until = std::min(until, peer_lost_at_ + kPeerLostGrace);
  until = std::min(until, now + plan_.pipeline.restart.heartbeat / 4);
  return std::max<Microseconds>(0, until - now);
}

Status JobRunner::wait() {
  Poller poller;
  poller.add(control_->socket().handle());
  poller.add(verb_socket_->socket().handle());
  poller.add_descriptor(worker_.wake_fd());
  poller.add_descriptor(builder_.wake_fd());
  poller.add_descriptor(signal_fd_);
  poller.add_descriptor(watched_output_);  // a pipe to write to becomes readable only by losing its reader
  if (pump_) poller.add_descriptor(pump_->wake_fd());
  launcher_->add_to(poller);
  if (leadership_) poller.add_descriptor(leadership_->lost_fd());
  if (attempt_) attempt_->add_to(poller);
  return poller.wait(patience(system_clock().monotonic_us()));
}

Status JobRunner::turn() {
  STREAM_TRY(wait());
  take_signals();
  check_leadership();
  for (Worker* worker : {&worker_, &builder_}) {
    if (Status done = worker->deliver(); !done.ok()) fail(done.what(), true);
  }
  STREAM_TRY(verbs_->serve());
  serve_input();
  follow_hosts(system_clock().monotonic_us());
  if (phase_ != Phase::kOver && reader_gone()) end(JobState::kFinished, std::string(kReaderGone));
  if (attempt_ && phase_ != Phase::kRestarting && phase_ != Phase::kOver) {  // else all of it has been killed
    STREAM_ASSIGN(const auto events, attempt_->collect());
    for (const AttemptEvent& event : events) {
      if (!attempt_ || phase_ == Phase::kOver || phase_ == Phase::kRestarting) break;
      if (Status handled = handle(event); !handled.ok()) fail(handled.what(), true);
    }
  }
  const Microseconds now = system_clock().monotonic_us();
  if (phase_ == Phase::kRestarting && !undecided_.empty()) decide(now);
  if (phase_ == Phase::kRestarting && now >= restart_at_ && may_begin_again()) {
    if (Status status = begin_attempt(); !status.ok()) fail(status.what(), true);
  }
  check_heartbeats(now);
  check_stopping(now);
  check_leaving(now);
  if (rescale_) {
    if (Status turned = rescale_->turn(now); !turned.ok()) fail(turned.what(), true);
    if (rescale_ && rescale_->over()) rescale_.reset();
  }
  if (Status scaled = autoscale_->turn(now); !scaled.ok()) fail(scaled.what(), true);
  check_upgrade(now);
  if (coordinator_ && phase_ != Phase::kRestarting && phase_ != Phase::kOver) {
    if (Status acted = act(coordinator_->tick(now)); !acted.ok()) fail(acted.what(), true);
  }
  tick_schedule(system_clock().wall_us());
  log_->tell_repeats();
  metrics_->turn(now, *log_);
  if (status_listener_ && now >= next_status_) {
    next_status_ = now + kStatusEvery;
    status_listener_(*this);
  }
  return {};
}

// Whoever leads now goes on from what was published. Nothing may be decided here any more, nor written of the job.
void JobRunner::check_leadership() {
  if (!leadership_ || phase_ == Phase::kOver) return;
  const std::string why = leadership_->lost();
  if (why.empty()) return;
  deposed_ = true;
  if (attempt_) attempt_->kill_all();
  if (rescale_) std::exchange(rescale_, nullptr)->give_up(why);
  coordinator_.reset();
  for (const auto& [epoch, wish] : std::exchange(savepoints_due_, {})) {
    verbs_->on_aborted(epoch, why);
    savepoint_lost(wish);
  }
  log_->warning("leads no more: " + why);
  event("deposed", why);
  phase_ = Phase::kOver;
  hurry_savepoints();
}

void JobRunner::check_heartbeats(Microseconds now) {
  if (!attempt_ || leaving_until_ || phase_ == Phase::kRestarting || phase_ == Phase::kOver) return;
  if (peer_lost_ && now - peer_lost_at_ >= kPeerLostGrace) return fail(*peer_lost_, true);
  const auto silent = attempt_->silent(now);
  if (silent.empty()) return;
  fail(attempt_->instances()[silent.front().value()].label + " has said nothing for " +
           format_duration(plan_.pipeline.restart.heartbeat),
       true);
}

// A stop does not wait for a server that is away: what has to go there is in the checkpoint. Nor for a disk that is
// full.
void JobRunner::check_stopping(Microseconds now) {
  if (phase_ != Phase::kStopping || !attempt_ || leaving_until_ || publishing_) return;
  if (const auto why = aborted_stop_.hopeless(now); why && coordinator_ && !coordinator_->in_progress()) {
    return upgrade_ ? run_on(*why) : stop_short(*why);
  }
  const InstanceState* const waits = attempt_->in_trouble(now, kTroubleGrace);
  if (waits == nullptr || (coordinator_ && !coordinator_->awaits_commits_only())) return;
  stop_short(waits->label + " waits: " + waits->stats.trouble);
}

// ", as out.0 waits: …" of an attempt that has not come to run.
std::string JobRunner::waits_for() const {
  const InstanceState* const waits = attempt_ ? attempt_->in_trouble(system_clock().monotonic_us(), 0) : nullptr;
  return waits == nullptr ? "" : ", as " + waits->label + " waits: " + waits->stats.trouble;
}

void JobRunner::stop_short(const std::string& why) {
  if (upgrade_ && upgrade_->stage == UpgradeStage::kStopping) return fail(why, true);
  const std::string last = "checkpoint " + std::to_string(last_complete_.value());
  const bool whole = coordinator_ && coordinator_->last_is_complete();
  end(JobState::kStopped, whole ? "final " + last + " is not committed, as " + why : "no final checkpoint, as " + why);
}

Status JobRunner::handle(const AttemptEvent& event) {
  if (leaving_until_) return {};  // all is committed: how they go changes nothing
  const Microseconds now = system_clock().monotonic_us();
  return std::visit(
      Overloaded{
          [&](const AllReady&) {
            on_ready();
            return Status();
          },
          [&](const SnapshotReported& e) {
            auto files = instance_files_from_json(e.done.files);
            if (!files.ok()) return std::move(files).status();
            files_[e.instance.value()] = *std::move(files);
            infos_[e.instance.value()] = to_json(e.done);
            return act(coordinator_->snapshot(e.instance, Epoch(e.done.epoch), now));
          },
          [&](const SnapshotFailed& e) {
            return act(coordinator_->snapshot_failed(e.instance, e.epoch, e.reason, now));
          },
          [&](const EpochCommitted& e) { return act(coordinator_->committed(e.instance, e.epoch, now)); },
          [&](const InputEnded& e) { return coordinator_ ? act(coordinator_->ended(e.instance, now)) : Status(); },
          [&](const PeerLost& e) {
            if (!peer_lost_) {
              peer_lost_ = attempt_->instances()[e.instance.value()].label + ": " + e.reason;
              peer_lost_at_ = now;
            }
            return Status();
          },
          [&](const Misbehaved& e) {
            fail(attempt_->instances()[e.instance.value()].label + ": " + e.reason, true);
            return Status();
          },
          [&](const InstanceExited& e) { return on_exit(e); },
          [&](const Holding& e) { return rescale_ ? rescale_->on_holding(e.instance, e.epoch) : Status(); },
          [&](const Detached&) { return rescale_ ? rescale_->on_detached() : Status(); },
          [&](const Retired&) { return rescale_ ? rescale_->on_retired() : Status(); },
      },
      event);
}

void JobRunner::on_ready() {
  const bool replaced = rescale_ && !rescale_->flow().whole();  // others have run on
  if (rescale_) {
    if (Status settled = rescale_->on_ready(); !settled.ok()) return fail(settled.what(), true);
  }
  const Microseconds now = system_clock().monotonic_us();
  metrics_->on_ready(restore_.has_value() && !replaced, system_clock().wall_us());
  emplace_coordinator(now);
  if (!coordinator_) return;  // it has failed meanwhile
  if (record_.must_rewind) {
    record_.must_rewind = false;
    record_.going_back = false;
    if (Status saved = save_record(); !saved.ok()) return fail(saved.what(), true);
  }
  if (replaced) {
    note_running();
    if (Status started = rescale_->start_new(); !started.ok()) return fail(started.what(), true);
  } else {
    verbs_->on_ready();  // before the sources start: nothing passes unseen
    // A drain that has begun reads no further: its windows may have fired in the checkpoint that is gone on from.
    if (drain_wanted_) {
      if (Status drained = act(coordinator_->stop(true, now)); !drained.ok()) return fail(drained.what(), true);
    }
    if (Status sent = attempt_->send_all({"start", 0, "", {}}); !sent.ok()) return fail(sent.what(), true);
    if (phase_ == Phase::kStarting) phase_ = Phase::kRunning;
    log_->info("running");
    note_running();
    event("running", "attempt " + std::to_string(record_.attempt.value()));
  }
  if (phase_ == Phase::kRunning) verbs_->on_running();
  if (ready_) std::exchange(ready_, nullptr)(true);
  if (trying()) on_trial_running(now);
  if (upgrade_ && upgrade_->stage == UpgradeStage::kGoingBack) answer_upgrade(false, upgrade_->cause);
  if (!stop_wanted_ && !drain_wanted_) return;
  if (Status stopped = act(coordinator_->stop(drain_wanted_, now)); !stopped.ok()) fail(stopped.what(), true);
}

void JobRunner::emplace_coordinator(Microseconds now) {
  CoordinatorConfig config;
  config.instances = static_cast<std::uint32_t>(attempt_->instances().size());
  config.periodic = plan_.pipeline.checkpoint.enabled;
  config.interval = plan_.pipeline.checkpoint.interval;
  config.timeout = plan_.pipeline.checkpoint.timeout;
  config.min_pause = plan_.pipeline.checkpoint.min_pause;
  coordinator_.emplace(config, store_->next_epoch(), now);
  // Of those that run on while others were replaced.
  for (std::uint32_t i = 0; i < config.instances; ++i) {
    if (!attempt_->instances()[i].ended) continue;
    if (Status acted = act(coordinator_->ended(InstanceIndex(i), now)); !acted.ok()) return fail(acted.what(), true);
  }
}

Status JobRunner::on_exit(const InstanceExited& exited) {
  const InstanceState& state = attempt_->instances()[exited.instance.value()];
  const StageSpec& spec = plan_.pipeline.stages[state.name.stage];
  if (attempt_->is_print(state) && exited.exit.signalled && exited.exit.code == SIGPIPE) {
    end(JobState::kFinished, std::string(kReaderGone));
    return {};
  }
  const ExitRule rule = rule_of(exited.exit);
  std::string cause = state.label + (exited.exit.signalled ? " was " : " ended with ") + to_string(exited.exit);
  const std::string& why = state.last_word;
  if (!why.empty()) cause += ": " + why;
  const std::string report = cause + " (attempt " + std::to_string(record_.attempt.value()) + ", at most " +
                             format_size(exited.exit.resident_kib * 1024) + " resident)";
  // What the instance has said itself is in the log already.
  why.empty() ? log_->error(report) : log_->info(report);
  if (why.empty() && state.child) {
    for (const std::string& line : state.child->last_lines()) log_->error(spec.name + " said: " + line);
  }
  // Once it has restored, nothing that is wrong is a fault of what it restored from. Nor need it be where the number of
  // instances is another one: first it is tried with the number there was.
  if (rule == ExitRule::kRestartEarlier && restore_ && !state.ready && !rescale_) {
    refused_ = cause;
    event("checkpoint-damaged", restore_name() + ": " + why);
  }
  fail(cause, rule != ExitRule::kNever);
  return {};
}

// Everything of the attempt dies; the job starts again from the newest good checkpoint, or ends.
void JobRunner::fail(std::string cause, bool may_restart) {
  if (phase_ == Phase::kOver) return;
  if (attempt_) attempt_->kill_all();
  if (rescale_) std::exchange(rescale_, nullptr)->give_up(cause);
  const bool ran = coordinator_.has_value();
  coordinator_.reset();
  current_checkpoint_.reset();
  peer_lost_.reset();
  for (const auto& [epoch, wish] : std::exchange(savepoints_due_, {})) {
    verbs_->on_aborted(epoch, cause);
    savepoint_lost(wish);
  }
  if (may_restart || cancelled_) event("failed", cause);  // else the end of the job says it
  if (cancelled_) return end(JobState::kCancelled, "cancelled");
  note_end_of_attempt("failed");
  if (fail_in_upgrade(cause)) return;
  if (!may_restart) return give_up(cause);
  if ((stop_wanted_ || drain_wanted_) && !ran && ++starts_to_stop_ == kStartsToStop) return stop_short(cause);
  const double chance = std::uniform_real_distribution<double>(0, 1)(random_);
  const RestartDecision decision =
      on_failure(plan_.pipeline.restart, record_.history, system_clock().wall_us(), chance);
  if (const auto* give = std::get_if<GiveUp>(&decision)) return give_up(cause + "; " + give->why);
  if (Status chosen = choose_restore(); !chosen.ok()) return give_up(chosen.what());
  const Microseconds delay = std::get<RestartAfter>(decision).delay / 1000 * 1000;
  ++restarts_;
  phase_ = Phase::kRestarting;
  restart_at_ = system_clock().monotonic_us() + delay;
  if (Status saved = save_record(); !saved.ok()) log_->error(saved.what());
  const std::string when = delay == 0 ? "at once" : "in " + format_duration(delay);
  event("restarting", when + " from " + restore_name());
  log_->warning("restarts " + when);
}

void JobRunner::give_up(const std::string& why) { end(JobState::kFailed, why); }

void JobRunner::end(JobState state, const std::string& reason, const std::string& outcome) {
  if (attempt_) attempt_->kill_all();
  if (rescale_) std::exchange(rescale_, nullptr)->give_up("the job is " + lower(to_string(state)));
  coordinator_.reset();
  if (attempt_) keep_last_look();
  note_end_of_attempt(lower(to_string(state)));
  record_.state = state;
  record_.reason = reason;
  record_.ended_us = system_clock().wall_us();
  // First where others read it: who finds a job there that has ended does not run it a second time. Who is interrupted
  // makes way, perhaps for another supervisor: the job itself is not over.
  const bool makes_way = interrupted_ && state == JobState::kStopped;
  if (leadership_ && !makes_way) {
    if (Status told = leadership_->end(std::string(to_string(state)), reason); !told.ok()) log_->error(told.what());
    if (!leadership_->lost().empty()) return check_leadership();
  }
  if (Status saved = save_record(); !saved.ok()) log_->error(saved.what());
  const std::string& text = reason.empty() ? outcome : reason;
  event(lower(to_string(state)), text);
  log_->info("job " + lower(to_string(state)) + (text.empty() ? "" : ": " + text));
  phase_ = Phase::kOver;
  hurry_savepoints();
}

void JobRunner::keep_last_look() {
  if (Status kept = save_last_look(*this); !kept.ok()) log_->warning(kept.what() + "; its last numbers are not kept");
}

void JobRunner::take_signals() {
  signalfd_siginfo info{};
  while (signal_fd_ >= 0 && ::read(signal_fd_, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    if (info.ssi_signo == SIGWINCH)
      next_status_ = 0;  // what is shown no longer fits
    else
      interrupt();
  }
}

void JobRunner::interrupt() {
  if (std::exchange(interrupted_, true)) return end(JobState::kStopped, "interrupted twice: no final checkpoint");
  if (upgrade_ && upgrade_->stage == UpgradeStage::kStopping) return answer_upgrade(false, "the job was interrupted");
  if (leaving_until_ || phase_ == Phase::kStopping) return;  // it is ending already
  log_->info("interrupted: stops with a final checkpoint");
  stop_wanted_ = true;
  if (phase_ == Phase::kRescaling) return;  // it stops when that is done
  if (!coordinator_ || phase_ != Phase::kRunning) {
    return end(JobState::kStopped, "interrupted before it was running");
  }
  phase_ = Phase::kStopping;
  if (Status status = act(coordinator_->stop(false, system_clock().monotonic_us())); !status.ok()) {
    fail(status.what(), true);
  }
}

void JobRunner::event(const std::string& kind, const std::string& text) {
  const Microseconds now = system_clock().wall_us();
  metrics_->on_event(now, kind, text);
  stored(store_->record_event({now, kind, text}));
}

// A full disk refuses record after record; it is told when it begins and when it is over.
void JobRunner::stored(const Status& status) {
  const bool told = std::exchange(store_fails_, !status.ok());
  if (!status.ok() && !told)
    log_->warning(status.what() + "; events and checkpoints of this time will be missing there");
  if (status.ok() && told) log_->warning("the job store takes records again");
}

}  // namespace stream
