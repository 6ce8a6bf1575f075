#include "stages/kit/supervised_instance.h"

#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "snapshot/fetch.h"
#include "snapshot/memory_default.h"
#include "snapshot/state_arena.h"
#include "snapshot/state_memory.h"
#include "stages/expression/row_language.h"
#include "stages/kit/exit_code.h"
#include "storage/open.h"

namespace stream {
namespace {

constexpr Microseconds kRollbackPatience = 30'000'000;  // for the supervisor to act on a lost peer

}  // namespace

WriterOptions SupervisedInstance::writer_options() const {
  WriterOptions options;
  options.identity.job = assignment_.job;
  options.identity.run = assignment_.run;
  options.identity.attempt = Attempt(assignment_.attempt);
  options.identity.stage = assignment_.stage;
  options.identity.instance = assignment_.instance;
  options.identity.parallelism = assignment_.parallelism;
  options.identity.key_groups = assignment_.key_groups;
  options.checkpoints = assignment_.checkpoints;
  options.local = assignment_.local;
  options.alone = !assignment_.fetched.empty();
  if (!assignment_.storage.empty()) options.send = sender_to(assignment_.storage);
  options.scratch = assignment_.scratch;
  options.piece_bytes = std::clamp<std::uint64_t>(assignment_.memory_bytes / 16, 1 << 20, options.piece_bytes);
  return options;
}

// What cannot be held any more ends the process as any error does, but from within a signal handler. Memory that is
// free is kept for what comes next, see stage_main(), but not much of what is allowed.
void SupervisedInstance::bound_memory() const {
  const auto kept = static_cast<int>(std::min<std::uint64_t>(assignment_.memory_bytes / 8, 64 << 20));
  ::mallopt(M_MMAP_THRESHOLD, kept);
  ::mallopt(M_TRIM_THRESHOLD, kept);
  const auto give_up = [](Code code, const char* what) {
    ::dprintf(STDERR_FILENO, "%s: fatal: %s\n", ::program_invocation_short_name, what);
    ::_exit(exit_code_of(code));
  };
  if (assignment_.memory_bytes == kMemoryDefault) return;
  StateMemory::begin({assignment_.stage, assignment_.scratch, assignment_.memory_bytes, give_up});
}

Status SupervisedInstance::make() {
  context_.emplace(Context{values_,
                           assignment_.folder,
                           {},
                           {},
                           store_,
                           clock(),
                           assignment_.job,
                           assignment_.stage,
                           assignment_.run,
                           assignment_.instance,
                           assignment_.parallelism,
                           assignment_.key_groups,
                           assignment_.memory_bytes,
                           true,
                           assignment_.spool});
  context_->attempt = assignment_.attempt;
  context_->predecessor_may_wake = assignment_.predecessor_may_wake;
  context_->going_back = assignment_.going_back && !assignment_.accept_duplicates;
  for (const InputAssignment& input : assignment_.inputs) {
    STREAM_ASSIGN(context_->inputs.emplace_back(), shared_schema(input.schema));
    context_->input_names.push_back(input.name);
  }
  for (std::size_t i = 0; i < errors_output(program_, values_); ++i) context_->outputs.emplace_back();
  const std::vector<std::string> names = output_names(program_, values_);
  for (const OutputAssignment& output : assignment_.outputs) {
    for (std::size_t i = 0; i < context_->outputs.size(); ++i) {
      if (names[i] != output.name || output.schema.empty()) continue;
      STREAM_ASSIGN(context_->outputs[i], shared_schema(output.schema));
    }
  }
  STREAM_ASSIGN(stage_, make_stage(program_, *context_));
  progress_.emplace(store_, assignment_.instance);
  dead_letter_.emplace(system_files(), store_,
                       DeadLetter::Identity{assignment_.dead_letter, assignment_.stage, assignment_.instance,
                                            assignment_.run, context_->predecessor_may_wake ? assignment_.attempt : 0});
  return {};
}

Status SupervisedInstance::restore() {
  Epoch epoch;
  if (!assignment_.restore.empty()) {
    STREAM_ASSIGN(restore_source_, restore_source_from_json(assignment_.restore));
    epoch = restore_source_->epoch;
    if (const std::string& url = assignment_.fetched; !url.empty())
      STREAM_TRY(make_present(system_files(), *restore_source_, receiver_from(url), url.substr(0, url.find('?'))));
    STREAM_TRY(store_.restore(*restore_source_, &sql_language()));
    writer_.restored(*restore_source_, store_.specs(), &sql_language());
    restored_ =
        progress_->load(restore_source_->same_layout(assignment_.parallelism) ? 1 : restore_source_->parallelism);
  }
  if (assignment_.must_rewind) {
    const Epoch after(assignment_.rewind_after);
    STREAM_TRY(dead_letter_->rewind(after));
    STREAM_TRY(rewind_sink(after));
  }
  // A savepoint holds nothing that waits.
  STREAM_TRY(dead_letter_->on_restored(restore_source_ && restore_source_->extend ? epoch : Epoch(0)));
  // A stage that the state knows nothing of is new: it begins as in a fresh run.
  if (restore_source_ && restore_source_->instances.empty()) epoch = Epoch(0);
  if (stage_.sink) return stage_.sink->on_restored(epoch);
  // So does one whose state is dropped.
  if (epoch == Epoch(0) || restore_source_->evolution.drop) return {};
  return stage_.source ? stage_.source->on_restored() : stage_.op->on_restored();
}

// Where the sink itself says that it cannot, trying again does not help: the user has to decide. An
// error of the system may pass.
Status SupervisedInstance::rewind_sink(Epoch after) {
  if (!stage_.sink) return {};
  Status rewound = stage_.sink->rewind(after);
  if (assignment_.accept_duplicates) stage_.sink->accept_duplicates();
  if (rewound.code() != Code::kFailed) return rewound;
  if (!assignment_.accept_duplicates) {
    return usage_error(rewound.what() + "; 'stream run --accept-duplicates' goes on all the same");
  }
  std::fprintf(stderr, "stream-%s: warning: %s: rows may come twice\n", std::string(program_.name).c_str(),
               rewound.what().c_str());
  return {};
}

// Until the loop runs nothing has been counted, but who says nothing for long is taken for dead.
Status SupervisedInstance::show_life() {
  if (control_.lost()) return {Code::kPeerGone, "the supervisor is gone"};
  const Microseconds now = system_clock().monotonic_us();
  if (now < next_stats_) return {};
  next_stats_ = now + assignment_.stats_every;
  InstanceStats stats;
  stats.resident_bytes = resident_bytes();
  stats.trouble = trouble();
  return control_.send(to_json(stats));
}

// What is tried again and again at the moment. It is said when it begins.
std::string SupervisedInstance::trouble() {
  std::string why = context_->trouble->why();
  const bool any = !why.empty();
  if (any && !trouble_said_) {
    std::fprintf(stderr, "stream-%s: warning: %s; trying again\n", std::string(program_.name).c_str(), why.c_str());
  }
  trouble_said_ = any;
  return why;
}

// Restores on a thread of its own, for as long as it takes. What it touches is nobody else's meanwhile.
Status SupervisedInstance::restore_aside() {
  next_stats_ = system_clock().monotonic_us() + assignment_.stats_every;
  Worker worker;
  std::optional<Status> restored;
  worker.submit([this] { return restore(); },
                [&](Status status) {
                  restored = std::move(status);
                  return Status();
                });
  for (;;) {
    STREAM_TRY(worker.deliver());
    if (restored) return *std::move(restored);
    if (Status alone = show_life(); !alone.ok()) {
      context_->trouble->give_up();
      return alone;
    }
    Poller poller;
    poller.add(control_.socket().monitor());
    poller.add_descriptor(worker.wake_fd());
    STREAM_TRY(poller.wait(std::max<Microseconds>(0, next_stats_ - system_clock().monotonic_us())));
  }
}

// Waits until every other instance has come as far: how long they take is for the supervisor to judge.
Result<std::string> SupervisedInstance::next_of_setup() {
  for (;;) {
    auto message = control_.receive();
    if (!message.ok()) return std::move(message).status();
    if (*message) return std::move(**message);
    STREAM_TRY(show_life());
    Poller poller;
    poller.add(control_.socket().handle());
    poller.add(control_.socket().monitor());
    STREAM_TRY(poller.wait(std::max<Microseconds>(0, next_stats_ - system_clock().monotonic_us())));
  }
}

Result<LoopConfig> SupervisedInstance::loop_config() {
  LoopConfig config;
  config.mode = assignment_.exactly_once ? AlignmentMode::kExactlyOnce : AlignmentMode::kAtLeastOnce;
  config.out_of_order = values_.duration("out-of-order");
  config.idle_after = values_.has("idle") ? values_.duration("idle") : 0;
  config.instance = assignment_.instance;
  config.aligned = assignment_.aligned;
  if (assignment_.watermarks_apart) config.event_clock = &event_clock_;
  config.program = "stream-" + std::string(program_.name);
  config.input_of = input_of_channels(assignment_);
  return config;
}

void SupervisedInstance::connect_bad_records(RunLoop& loop) {
  const std::size_t errors = errors_output(program_, values_);
  if (loop.outputs().connected(errors)) {
    bad_records_.connect([&loop, errors](Batch rows) { return loop.outputs().add(errors, rows); });
  }
  bad_records_.not_read(assignment_.not_read);
  bad_records_.gather([this](const std::string& line) { return dead_letter_->add(line); });
}

Status SupervisedInstance::run() {
  bound_memory();
  STREAM_TRY(make());
  STREAM_TRY(restore_aside());
  Note bound = note("endpoints");
  STREAM_ASSIGN(std::vector<Receiver> inputs, bind_inputs(transport_, assignment_, &bound.endpoints));
  STREAM_TRY(control_.send(to_json(bound)));
  STREAM_ASSIGN(const std::string text, next_of_setup());
  STREAM_ASSIGN(const Note connect, note_from_json(text));
  if (connect.type == "exit") return {};
  if (connect.type != "connect") return corrupt("control: expected 'connect', got '" + connect.type + "'");
  STREAM_ASSIGN(Outputs outputs,
                connect_outputs(transport_, output_names(program_, values_), assignment_, connect.endpoints));
  if (assignment_.watermarks_apart) outputs.keep_watermarks_apart();
  STREAM_ASSIGN(LoopConfig config, loop_config());
  RunLoop loop(std::move(config), stage_, std::move(inputs), std::move(outputs), bad_records_, clock());
  connect_bad_records(loop);
  if (restore_source_) loop.restore(restored_.watermark, restored_.ended);
  if (restore_source_) {
    loop.restore_splits(progress_->load_splits(), restore_source_->same_layout(assignment_.parallelism));
  }
  next_stats_ = 0;
  Status status = loop.run(*this);
  if (status.code() != Code::kPeerGone || control_.lost()) return status;
  // A lost peer is somebody else's failure: say so, and wait to be ended with the others.
  STREAM_TRY(control_.send(to_json(note("peer-gone", 0, status.what()))));
  while (true) {
    const auto message = next_message(control_, kRollbackPatience);
    if (!message.ok()) return status;
    const auto parsed = note_from_json(*message);
    if (parsed.ok() && parsed->type == "exit") return {};
  }
}

}  // namespace stream
