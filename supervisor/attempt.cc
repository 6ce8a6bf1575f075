#include "supervisor/attempt.h"

#include <algorithm>
#include <csignal>

#include "transport/base/text.h"

namespace stream {
namespace {

constexpr Microseconds kRateOver = 1'000'000;

bool of_a_checkpoint(const std::string& type) {
  return type == "snapshot" || type == "snapshot-failed" || type == "committed";
}

}  // namespace

AttemptRun::AttemptRun(Setup setup, ControlServer& control, JobLog& log)
    : setup_(std::move(setup)), control_(control), log_(log) {
  for (const InstanceName& name : instances_of(*setup_.plan)) {
    InstanceState state;
    state.name = name;
    state.label = to_string(*setup_.plan, name);
    state.attempt = Attempt(setup_.assignments[instances_.size()].attempt);
    state.host = setup_.assignments[instances_.size()].host;
    instances_.push_back(std::move(state));
  }
  follow_event_time();
}

void AttemptRun::follow_event_time() {
  alignment_.reset();
  watch_ = {};
  if (setup_.plan->pipeline.align > 0) alignment_.emplace(setup_.plan->pipeline.align);
  for (std::uint32_t i = 0; alignment_ && i < instances_.size(); ++i) {
    if (!aligned(instances_[i])) continue;
    alignment_->add(InstanceIndex(i));
    setup_.assignments[i].aligned = true;
  }
}

bool AttemptRun::aligned(const InstanceState& state) const {
  return makes_event_time(setup_.plan->stages[state.name.stage]);
}

AttemptRun::~AttemptRun() { kill_all(); }

std::string AttemptRun::identity(const InstanceState& state) const {
  return state.label + "." + std::to_string(state.attempt.value());
}

std::optional<InstanceIndex> AttemptRun::find(const std::string& identity_text) const {
  for (std::uint32_t i = 0; i < instances_.size(); ++i) {
    if (identity(instances_[i]) == identity_text) return InstanceIndex(i);
  }
  return std::nullopt;
}

bool AttemptRun::all(bool InstanceState::*flag) const { return std::ranges::all_of(instances_, flag); }

bool AttemptRun::is_source(const InstanceState& state) const {
  return setup_.plan->stages[state.name.stage].role == StageRole::kSource;
}

bool AttemptRun::is_print(const InstanceState& state) const {
  return setup_.plan->pipeline.stages[state.name.stage].run == "print";
}

Status AttemptRun::start() {
  for (InstanceState& state : instances_) STREAM_TRY(start_process(state));
  return {};
}

Status AttemptRun::start_process(InstanceState& state) {
  Launch launch;
  launch.label = state.label;
  launch.host = state.host;
  launch.executable = setup_.plan->stages[state.name.stage].executable;
  launch.endpoint = control_.endpoint();
  launch.identity = identity(state);
  launch.output = is_print(state) ? setup_.print_output : -1;
  launch.memory_bytes = setup_.assignments[static_cast<std::size_t>(&state - instances_.data())].memory_bytes;
  STREAM_ASSIGN(state.child, setup_.launcher->start(launch));
  state.stats_at = system_clock().monotonic_us();
  state.started_us = system_clock().wall_us();
  return {};
}

void AttemptRun::add_to(Poller& poller) const {
  for (const auto* states : {&instances_, &retiring_}) {
    for (const InstanceState& state : *states) {
      if (state.child) state.child->add_to(poller);
    }
  }
}

void AttemptRun::read_outputs() {
  for (InstanceState& state : instances_) read_output(state);
  for (InstanceState& state : retiring_) read_output(state);
}

void AttemptRun::read_output(InstanceState& state) {
  if (!state.child) return;
  for (const std::string& text : state.child->read_lines()) {
    LogLine line = line_of_stage(text);
    line.stage = setup_.plan->pipeline.stages[state.name.stage].name;
    line.instance = state.name.instance;
    log_.write(std::move(line));
  }
}

// What it said of its failure may still be on its way when its process has ended: its last line says the same.
void AttemptRun::take_last_line(InstanceState& state) {
  if (!state.child || !state.exited || !state.last_word.empty() || state.child->last_lines().empty()) return;
  state.last_word = fatal_word(state.child->last_lines().back());
}

Result<std::vector<AttemptEvent>> AttemptRun::collect() {
  Events events;
  for (;;) {
    auto message = control_.receive();
    if (!message.ok()) return std::move(message).status();
    if (!*message) break;
    STREAM_TRY(take(**message, events));
  }
  // What a process said before its end comes before its end.
  read_outputs();
  for (std::uint32_t i = 0; i < instances_.size(); ++i) {
    InstanceState& state = instances_[i];
    if (!state.child || state.exited) continue;
    if (const auto exit = state.child->reap()) {
      state.exited = true;
      events.emplace_back(InstanceExited{InstanceIndex(i), *exit});
    }
  }
  read_outputs();
  for (InstanceState& state : instances_) {
    take_last_line(state);
    // On another host: until it has been started there it cannot be silent.
    if (state.child && state.child->pid() == 0) state.stats_at = system_clock().monotonic_us();
  }
  follow_rewiring(events);
  return events;
}

Status AttemptRun::take(const ControlMessage& message, Events& events) {
  const auto index = find(message.identity);
  if (!index) return {};  // of an earlier attempt
  const auto note = note_from_json(message.text);
  const Status taken = note.ok() ? on_note(*index, message.text, *note, events) : note.status();
  if (!taken.ok()) events.emplace_back(Misbehaved{*index, taken.what()});
  return {};
}

Status AttemptRun::on_note(InstanceIndex index, const std::string& text, const Note& note, Events& events) {
  InstanceState& state = instances_[index.value()];
  state.stats_at = system_clock().monotonic_us();
  if (note.type == "stats") {
    STREAM_ASSIGN(const InstanceStats stats, stats_from_json(text));
    for (const Microseconds took : stats.latencies_us) state.latency_ms.add(static_cast<double>(took) / 1000);
    on_stats(state, stats);
    return align(index, stats);
  } else if (!ready_reported_ && of_a_checkpoint(note.type)) {
    return corrupt("control: '" + note.type + "' before the job runs");
  } else if (note.type == "snapshot") {
    STREAM_ASSIGN(SnapshotDone done, snapshot_from_json(text));
    state.snapshot = done;
    events.emplace_back(SnapshotReported{index, std::move(done)});
  } else if (note.type == "committed") {
    events.emplace_back(EpochCommitted{index, Epoch(note.epoch)});
  } else if (note.type == "snapshot-failed") {
    events.emplace_back(SnapshotFailed{index, Epoch(note.epoch), state.label + ": " + note.text});
  } else if (note.type == "ended") {
    state.ended = true;
    state.stats.ended = true;
    events.emplace_back(InputEnded{index});
    return align(index, state.stats);
  } else if (note.type == "peer-gone") {
    events.emplace_back(PeerLost{index, note.text});
  } else if (note.type == "failed") {
    state.last_word = note.text;
  } else if (note.type == "hello") {
    state.greeted = true;
    state.can_rescale = std::ranges::find(note.can, kCanRescale) != note.can.end();
    state.can_be_traced = std::ranges::find(note.can, kCanBeTraced) != note.can.end();
    return state.waits ? Status() : assign(state);
  } else if (note.type == "holding") {
    events.emplace_back(Holding{index, Epoch(note.epoch)});
  } else if (note.type == "endpoints") {
    return on_endpoints(state, note);
  } else if (note.type == "ready") {
    state.ready = true;
    if (all(&InstanceState::ready) && !std::exchange(ready_reported_, true)) events.emplace_back(AllReady{});
  } else {
    return corrupt("control: unknown message '" + note.type + "'");
  }
  return {};
}

Status AttemptRun::assign(InstanceState& state) {
  const auto index = static_cast<std::size_t>(&state - instances_.data());
  if (!state.host.empty()) settle_in(setup_.assignments[index], state.child->place(), setup_.key);
  return control_.send(identity(state), to_json(setup_.assignments[index]));
}

Status AttemptRun::on_endpoints(InstanceState& state, const Note& note) {
  endpoints_.insert(note.endpoints.begin(), note.endpoints.end());
  state.bound = true;
  return all(&InstanceState::bound) ? connect_all() : Status();
}

Status AttemptRun::connect_all() {
  for (std::size_t i = 0; i < instances_.size(); ++i) {
    if (std::exchange(instances_[i].connected, true)) continue;
    Note connect{"connect", 0, "", {}};
    for (const OutputAssignment& output : setup_.assignments[i].outputs) {
      for (const EdgeAssignment& edge : output.edges) {
        for (const ChannelAssignment& channel : edge.channels) {
          const std::string id = std::to_string(channel.id);
          connect.endpoints[id] = endpoints_[id];
        }
      }
    }
    STREAM_TRY(control_.send(identity(instances_[i]), to_json(connect)));
  }
  return {};
}

void AttemptRun::on_stats(InstanceState& state, const InstanceStats& stats) {
  const Microseconds now = state.stats_at;
  if (now - state.earlier_at >= kRateOver) {
    state.earlier = state.stats;
    state.earlier_at = now;
  }
  state.stats = stats;
  if (stats.trouble.empty()) {
    state.trouble_since.reset();
  } else if (!state.trouble_since) {
    state.trouble_since = now;
  }
  const InstanceIndex index(static_cast<std::uint32_t>(&state - instances_.data()));
  if (!watch_.observe(index, stats.watermark_held_by, stats.watermark, now)) return;
  log_.warning(state.label + ": '" + stats.watermark_held_by + "' has held event time back for over " +
               format_duration(WatermarkWatch::kLong) + "; if it may fall silent, give its source an 'idle' time");
}

Status AttemptRun::align(InstanceIndex index, const InstanceStats& stats) {
  if (!alignment_) return {};
  alignment_->observe(index, {stats.watermark, stats.watermark_idle, stats.ended});
  const auto limit = alignment_->news();
  for (std::uint32_t i = 0; limit && i < instances_.size(); ++i) {
    if (aligned(instances_[i])) STREAM_TRY(send(InstanceIndex(i), {"align", 0, std::to_string(*limit), {}}));
  }
  tell_who_waits(instances_[index.value()], stats);
  return {};
}

void AttemptRun::tell_who_waits(InstanceState& state, const InstanceStats& stats) {
  const auto slowest = alignment_->slowest();
  if (!stats.ahead || state.waits_told || !slowest || &instances_[slowest->value()] == &state) return;
  state.waits_told = true;
  log_.info(state.label + " waits for " + instances_[slowest->value()].label +
            ", which is behind in event time; told once, 'stream stats --json' says when it does");
}

Status AttemptRun::check_here(InstanceIndex instance, const std::string& done) const {
  const InstanceState& state = instances_[instance.value()];
  if (!state.child || !state.child->place().far) return {};
  return failed(state.label + " runs on host '" + state.host + "' and cannot be " + done +
                " from here; give its stage a host that is 'via: local'");
}

Status AttemptRun::send(InstanceIndex instance, const Note& note) {
  return control_.send(identity(instances_[instance.value()]), to_json(note));
}

Status AttemptRun::send_all(const Note& note) {
  for (std::uint32_t i = 0; i < instances_.size(); ++i) STREAM_TRY(send(InstanceIndex(i), note));
  return {};
}

Status AttemptRun::send_sources(const Note& note) {
  for (std::uint32_t i = 0; i < instances_.size(); ++i) {
    if (is_source(instances_[i])) STREAM_TRY(send(InstanceIndex(i), note));
  }
  return {};
}

std::vector<InstanceIndex> AttemptRun::silent(Microseconds now) const {
  std::vector<InstanceIndex> out;
  for (std::uint32_t i = 0; i < instances_.size(); ++i) {
    if (!instances_[i].exited && !instances_[i].waits && now - instances_[i].stats_at >= setup_.heartbeat)
      out.emplace_back(i);
  }
  return out;
}

const InstanceState* AttemptRun::in_trouble(Microseconds now, Microseconds at_least) const {
  const auto found = std::ranges::find_if(instances_, [&](const InstanceState& state) {
    return state.trouble_since && now - *state.trouble_since >= at_least;
  });
  return found == instances_.end() ? nullptr : &*found;
}

void AttemptRun::kill_all() {
  retiring_.clear();  // kills and reaps
  for (InstanceState& state : instances_) {
    if (state.child) state.child->signal(SIGKILL);
  }
  read_outputs();
  for (InstanceState& state : instances_) {
    state.child.reset();  // reaps
    state.exited = true;
  }
}

bool AttemptRun::all_exited() const { return all(&InstanceState::exited); }

}  // namespace stream
