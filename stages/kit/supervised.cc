#include "stages/kit/supervised.h"

#include <malloc.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>
#include <atomic>

#include <algorithm>
#include <charconv>
#include <cstdio>

#include "snapshot/fetch.h"
#include "snapshot/memory_default.h"
#include "snapshot/snapshot_writer.h"
#include "snapshot/state_arena.h"
#include "snapshot/state_memory.h"
#include "stages/expression/row_language.h"
#include "stages/kit/dead_letter.h"
#include "stages/kit/exit_code.h"
#include "stages/kit/idle_memory.h"
#include "stages/kit/instance.h"
#include "stages/kit/live_lookup.h"
#include "stages/kit/option_json.h"
#include "stages/kit/progress.h"
#include "stages/kit/tap.h"
#include "storage/open.h"
#include "transport/base/text.h"
#include "transport/base/thread_priority.h"
#include "transport/base/worker.h"
#include "transport/control.h"

namespace stream {
namespace {

constexpr Microseconds kAnswerPatience = 60'000'000;    // for the answer to `hello`, for which nobody has to work
constexpr Microseconds kRollbackPatience = 30'000'000;  // for the supervisor to act on a lost peer

// Waits for a message that the supervisor sends at once.
Result<std::string> next_message(ControlClient& control, Microseconds patience) {
  const Microseconds deadline = system_clock().monotonic_us() + patience;
  for (;;) {
    auto message = control.receive();
    if (!message.ok()) return std::move(message).status();
    if (*message) return std::move(**message);
    if (control.lost()) return Status(Code::kPeerGone, "the supervisor is gone");
    const Microseconds left = deadline - system_clock().monotonic_us();
    if (left <= 0) return Status(Code::kPeerGone, "the supervisor says nothing");
    Poller poller;
    poller.add(control.socket().handle());
    poller.add(control.socket().monitor());
    STREAM_TRY(poller.wait(left));
  }
}

constexpr std::string_view kKeyed = "#key";  // behind the identity: the key is in standard input

// What a supervisor on another host hands over where nobody else sees it.
std::string read_input() {
  std::string text(256, '\0');
  const ssize_t n = ::read(STDIN_FILENO, text.data(), text.size());
  text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  return text;
}

// "KEY SILENCE": of connections to other hosts, and how long one may be silent, in microseconds.
Status take_key(Transport& transport, const std::string& text) {
  const std::vector<std::string> words = split(text, ' ');
  if (words.size() != 2) return usage_error("--control is for the supervisor");
  STREAM_ASSIGN(const CurveKey secret, secret_from_text(words[0]));
  STREAM_ASSIGN(const CurveKeys keys, curve_keys(secret));
  STREAM_ASSIGN(const std::int64_t silence, parse_integer(words[1]));
  transport.encrypt_tcp(keys);
  transport.watch_tcp(silence);
  return {};
}

Note note(std::string type, std::uint64_t epoch = 0, std::string text = {}) {
  return {std::move(type), epoch, std::move(text), {}};
}

Result<Microseconds> watermark_of(const std::string& text) {
  Microseconds value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    return corrupt("control: '" + text + "' is no watermark");
  return value;
}

class SupervisedInstance final : public ControlPort {
 public:
  SupervisedInstance(const StageProgram& program, Assignment assignment, Values values, ControlClient& control,
                     Transport& transport)
      : program_(program),
        assignment_(std::move(assignment)),
        values_(std::move(values)),
        control_(control),
        transport_(transport),
        store_({assignment_.instance, assignment_.parallelism, assignment_.key_groups, true}),
        writer_(system_files(), writer_options()),
        bad_records_(on_error_policy(values_, true), "stream-" + std::string(program.name), assignment_.stage),
        taps_(assignment_.stage + "." + std::to_string(assignment_.instance), system_clock()) {}

  // What waits for a server waits no longer.
  ~SupervisedInstance() override {
    if (context_) context_->trouble->give_up();
    ending_ = true;
  }

  Status run();

  Status serve(RunLoop& loop) override;
  void add_to(Poller& poller) override;
  Microseconds patience() const override { return assignment_.stats_every; }
  Status on_open(RunLoop&) override { return rewiring_ ? Status() : control_.send(to_json(note("ready"))); }
  Status on_barrier(RunLoop& loop, Epoch epoch, BarrierTimes times) override;
  Status on_ahead(RunLoop& loop) override { return send_stats(loop, system_clock().monotonic_us()); }
  Status on_idle(RunLoop&) override { return stage_.sink ? stage_.sink->on_idle() : Status(); }
  Status on_ended(RunLoop&) override {
    bad_records_.finish();
    return control_.send(to_json(note("ended")));
  }

 private:
  WriterOptions writer_options() const;
  void bound_memory() const;
  Status make();
  Status restore();
  Status restore_aside();
  Result<std::string> next_of_setup();
  // What the stage takes for the clock of the machine.
  const Clock& clock() const {
    if (assignment_.watermarks_apart) return event_clock_;
    return system_clock();
  }
  Status show_life();
  std::string trouble();
  Status rewind_sink(Epoch after);
  Result<LoopConfig> loop_config();
  void connect_bad_records(RunLoop& loop);
  Status act(RunLoop& loop, const Note& message, const std::string& text);
  Status rewire(RunLoop& loop, const std::string& text);
  Status connect(RunLoop& loop, const Note& message);
  void open_tap(RunLoop& loop, const std::string& request);
  void serve_taps(RunLoop& loop);
  SchemaPtr schema_of_output(const std::string& name) const;
  Status complete(RunLoop& loop, Epoch epoch);
  Status report_snapshot(Status written, SnapshotDone done);
  void merge_files_if_many();
  void merge_files(SnapshotWriter::Merge merge);
  SpoolPosition spool_position() const { return stage_.source ? stage_.source->spool_position() : SpoolPosition(); }
  Status send_stats(RunLoop& loop, Microseconds now);
  void tell_strangers(RunLoop& loop) const;

  const StageProgram& program_;
  Assignment assignment_;
  const Values values_;
  ControlClient& control_;
  Transport& transport_;
  StateStore store_;
  SnapshotWriter writer_;  // used on writer_thread_ only, once the loop runs
  BadRecords bad_records_;
  EventClock event_clock_;
  std::optional<Context> context_;
  std::optional<Progress> progress_;
  std::optional<DeadLetter> dead_letter_;
  std::optional<RestoreSource> restore_source_;
  StageObject stage_;
  Progress::Value restored_;
  Worker writer_thread_;
  Worker merge_thread_;               // of the writer's files, which it goes on adding to
  bool merging_ = false;              // or it is being found out whether that is worth it
  std::atomic<bool> ending_ = false;  // who merges files leaves it
  Worker commit_thread_;
  IdleMemory idle_memory_;
  Taps taps_;
  Microseconds next_stats_ = 0;
  bool rewiring_ = false;  // its new output channels are not connected yet
  bool trouble_said_ = false;
};

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
  const Status rewound = stage_.sink->rewind(after);
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

void SupervisedInstance::add_to(Poller& poller) {
  poller.add(control_.socket().handle());
  poller.add(control_.socket().monitor());
  poller.add_descriptor(writer_thread_.wake_fd());
  poller.add_descriptor(merge_thread_.wake_fd());
  poller.add_descriptor(commit_thread_.wake_fd());
}

Status SupervisedInstance::serve(RunLoop& loop) {
  STREAM_TRY(writer_thread_.deliver());
  STREAM_TRY(merge_thread_.deliver());
  STREAM_TRY(commit_thread_.deliver());
  for (;;) {
    auto message = control_.receive();
    if (!message.ok()) return std::move(message).status();
    if (!*message) break;
    STREAM_ASSIGN(const Note parsed, note_from_json(**message));
    STREAM_TRY(act(loop, parsed, **message));
  }
  serve_taps(loop);
  StateMemory::look();
  const Microseconds now = system_clock().monotonic_us();
  if (now < next_stats_) return {};
  if (control_.lost()) return {Code::kPeerGone, "the supervisor is gone"};
  next_stats_ = now + assignment_.stats_every;
  tell_strangers(loop);
  if (idle_memory_.due(loop.counters().idle_us, loop.running_us())) ::malloc_trim(0);
  return send_stats(loop, now);
}

// Who has found the port of a channel, and has not the key.
void SupervisedInstance::tell_strangers(RunLoop& loop) const {
  std::size_t count = 0;
  for (Receiver& input : loop.inputs()) count += input.socket().take_refused();
  if (count == 0) return;
  std::fprintf(stderr,
               "stream-%s: warning: %zu connections to its inputs were turned away: without the key of this job\n",
               std::string(program_.name).c_str(), count);
}

Status SupervisedInstance::act(RunLoop& loop, const Note& message, const std::string& text) {
  if (message.type == "start") {
    loop.start();
  } else if (message.type == "trigger") {
    loop.set_paused(message.text == "stop");
    return loop.checkpoint(Epoch(message.epoch));
  } else if (message.type == "complete") {
    return complete(loop, Epoch(message.epoch));
  } else if (message.type == "align") {
    STREAM_ASSIGN(const Microseconds until, watermark_of(message.text));
    loop.read_until(until);
  } else if (message.type == "hold") {
    loop.hold_at(Epoch(message.epoch), message.channels, message.text == kHoldAll);
    return control_.send(to_json(note("holding", message.epoch)));
  } else if (message.type == "release") {
    loop.release();
  } else if (message.type == "rewire") {
    return rewire(loop, text);
  } else if (message.type == "connect") {
    return connect(loop, message);
  } else if (message.type == "drain") {
    return loop.drain();
  } else if (message.type == "tap") {
    open_tap(loop, message.text);
  } else if (message.type == "lookup") {
    answer_lookup(store_, message.text);
  } else if (message.type == "traced") {
    // Where the kernel has a say in it (kernel.yama.ptrace_scope 1); anywhere else this is an error, and needs nothing.
    ::prctl(PR_SET_PTRACER, message.epoch, 0, 0, 0);
  } else if (message.type == "exit") {
    loop.leave();
  } else {
    return corrupt("control: unknown message '" + message.type + "'");
  }
  return {};
}

// Neighbours have been replaced: nothing comes from the old ones any more, and nothing goes to them.
Status SupervisedInstance::rewire(RunLoop& loop, const std::string& text) {
  STREAM_ASSIGN(Rewiring wanted, rewiring_from_json(text));
  assignment_.inputs = std::move(wanted.inputs);
  assignment_.outputs = std::move(wanted.outputs);
  Note bound = note("endpoints");
  STREAM_ASSIGN(auto places, rebind_inputs(transport_, assignment_, loop.inputs(), &bound.endpoints));
  STREAM_TRY(loop.replace_inputs(std::move(places)));
  STREAM_TRY(detach_outputs(output_names(program_, values_), assignment_, loop.outputs()));
  rewiring_ = true;
  return control_.send(to_json(bound));
}

Status SupervisedInstance::connect(RunLoop& loop, const Note& message) {
  STREAM_TRY(
      attach_outputs(transport_, output_names(program_, values_), assignment_, message.endpoints, loop.outputs()));
  rewiring_ = false;
  return loop.opened() ? on_open(loop) : Status();
}

void SupervisedInstance::open_tap(RunLoop& loop, const std::string& request) {
  std::vector<Taps::Output> outputs;
  for (const std::string& name : output_names(program_, values_)) {
    const bool connected = loop.outputs().connected(outputs.size());
    outputs.push_back({name, schema_of_output(name), connected});
  }
  taps_.open(request, outputs);
  if (taps_.any()) loop.outputs().watch([this](std::size_t output, const Batch& batch) { taps_.see(output, batch); });
}

void SupervisedInstance::serve_taps(RunLoop& loop) {
  if (!taps_.any()) return;
  taps_.flush();
  if (!taps_.any()) loop.outputs().watch({});
}

SchemaPtr SupervisedInstance::schema_of_output(const std::string& name) const {
  const auto output = std::ranges::find(assignment_.outputs, name, &OutputAssignment::name);
  if (output == assignment_.outputs.end() || output->schema.empty()) return nullptr;
  auto schema = shared_schema(output->schema);
  return schema.ok() ? *schema : nullptr;
}

Status SupervisedInstance::on_barrier(RunLoop& loop, Epoch epoch, BarrierTimes times) {
  const Microseconds begin = system_clock().monotonic_us();
  if (loop.ended()) STREAM_TRY(send_stats(loop, begin));  // the last numbers, before the job can be over
  SnapshotDone done;
  done.epoch = epoch.value();
  done.start_wall_us = system_clock().wall_us();
  done.alignment_us = times.alignment_us;
  done.queued_bytes = times.queued_bytes;
  if (stage_.source) STREAM_TRY(stage_.source->before_snapshot());
  if (stage_.op) STREAM_TRY(stage_.op->before_snapshot());
  if (stage_.sink) STREAM_TRY(stage_.sink->prepare(epoch));
  if (const Status kept = dead_letter_->prepare(epoch); !kept.ok()) {
    return control_.send(to_json(note("snapshot-failed", epoch.value(), "dead letters: " + kept.what())));
  }
  progress_->save({loop.resumable_watermark(), loop.ended()});
  if (const auto highest = loop.highest_by_split()) progress_->save_splits(*highest);
  auto capture = std::make_shared<Capture>(store_.capture(epoch));
  done.rows = capture->rows();
  const SpoolPosition spool = spool_position();
  done.spool_input = spool.input;
  done.spool_offset = spool.offset;
  done.bytes = capture->size_bytes();
  done.pause_us = system_clock().monotonic_us() - begin;
  auto result = std::make_shared<SnapshotDone>(std::move(done));
  writer_thread_.submit(
      [this, capture, result] {
        const Microseconds from = system_clock().monotonic_us();
        auto files = writer_.write(std::move(*capture));
        if (!files.ok()) return std::move(files).status();
        result->files = to_json(*files);
        result->async_us = system_clock().monotonic_us() - from;
        return Status();
      },
      [this, result](Status written) { return report_snapshot(std::move(written), std::move(*result)); });
  return {};
}

// A snapshot that could not be written aborts the checkpoint, not the instance.
Status SupervisedInstance::report_snapshot(Status written, SnapshotDone done) {
  if (!written.ok()) return control_.send(to_json(note("snapshot-failed", done.epoch, written.what())));
  STREAM_TRY(control_.send(to_json(done)));
  merge_files_if_many();
  return {};
}

// The writer knows how many there are, and begins.
void SupervisedInstance::merge_files_if_many() {
  if (std::exchange(merging_, true)) return;
  const auto merge = std::make_shared<std::optional<SnapshotWriter::Merge>>();
  writer_thread_.submit(
      [this, merge] {
        *merge = writer_.begin_merge();
        return Status();
      },
      [this, merge](const Status&) {
        merging_ = merge->has_value();
        if (merging_) merge_files(*std::move(*merge));
        return Status();
      });
}

// Beside the writer, so that no checkpoint waits for it, and slowly, as there is no hurry.
void SupervisedInstance::merge_files(SnapshotWriter::Merge merge) {
  merge_thread_.submit(
      [this, merge] {
        (void)give_way(ThreadPriority::kLow);
        return writer_.merge(merge, [this](const std::function<Status()>& step) {
          return ending_ ? failed("the process ends") : step();
        });
      },
      [this, merge](const Status& merged) {
        merging_ = false;
        if (!merged.ok()) {
          std::fprintf(stderr, "stream-%s: warning: unable to merge snapshot files: %s\n",
                       std::string(program_.name).c_str(), merged.what().c_str());
          return Status();
        }
        writer_thread_.submit(
            [this, merge] {
              writer_.merged(merge);
              return Status();
            },
            [](const Status&) { return Status(); });
        return Status();
      });
}

Status SupervisedInstance::complete(RunLoop& loop, Epoch epoch) {
  store_.completed(epoch);
  if (stage_.source) STREAM_TRY(stage_.source->on_complete(epoch));
  const auto letters = dead_letter_->commits(epoch);
  if (letters.empty() && !loop.stage().sink) return control_.send(to_json(note("committed", epoch.value())));
  commit_thread_.submit(
      [this, epoch, letters] {
        STREAM_TRY(dead_letter_->write(letters));
        return stage_.sink ? stage_.sink->commit(epoch) : Status();
      },
      [this, epoch](Status committed) {
        STREAM_TRY(std::move(committed).while_doing("commit of checkpoint " + std::to_string(epoch.value())));
        dead_letter_->committed(epoch);
        if (stage_.sink) STREAM_TRY(stage_.sink->committed(epoch));
        return control_.send(to_json(note("committed", epoch.value())));
      });
  return {};
}

// User and system, of all threads.
Microseconds cpu_us() {
  rusage usage = {};
  ::getrusage(RUSAGE_SELF, &usage);
  return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * Microseconds{1'000'000} + usage.ru_utime.tv_usec +
         usage.ru_stime.tv_usec;
}

Status SupervisedInstance::send_stats(RunLoop& loop, Microseconds /*now*/) {
  InstanceStats stats;
  const LoopCounters& in = loop.counters();
  const OutputCounters out = loop.outputs().counters();
  stats.records_in = in.records_in - (loop.stage().op ? loop.stage().op->rows_left() : 0);
  stats.bytes_in = in.bytes_in;
  stats.records_out = out.records;
  stats.bytes_out = out.bytes;
  stats.frames_out = out.frames;
  stats.bad_records = bad_records_.count();
  stats.late_records = loop.late_records();
  stats.latencies_us = loop.take_latencies();
  stats.total_us = loop.running_us();
  stats.idle_us = in.idle_us;
  stats.backpressured_us = in.backpressured_us;
  stats.cpu_us = cpu_us();
  stats.queued_bytes = loop.outputs().queued_bytes();
  stats.watermark = loop.watermark();
  stats.watermark_idle = loop.watermark_idle();
  stats.ahead = loop.ahead();
  stats.watermark_held_by = loop.watermark_held_by().value_or("");
  stats.state_rows = store_.rows();
  stats.state_bytes = store_.size_bytes();
  stats.spilled_bytes = StateMemory::spilled_bytes();
  stats.resident_bytes = resident_bytes();
  stats.turns = in.turns;
  stats.ended = loop.ended();
  const SpoolPosition spool = spool_position();
  stats.spool_input = spool.input;
  stats.spool_offset = spool.offset;
  if (const auto pending = stage_.source ? stage_.source->pending_records() : std::nullopt)
    stats.pending_records = static_cast<std::int64_t>(std::min<std::uint64_t>(*pending, INT64_MAX));
  if (in.emitted_us != 0) stats.source_idle_us = system_clock().monotonic_us() - in.emitted_us;
  stats.emit_lag_us = in.emitted_age_us.value_or(kNoLag);
  stats.user_counters = context_->metrics->counters();
  stats.user_gauges = context_->metrics->gauges();
  stats.user_meters = context_->metrics->meters();
  stats.user_histograms = context_->metrics->histograms();
  stats.trouble = trouble();
  return control_.send(to_json(stats));
}

}  // namespace

Status run_supervised(const StageProgram& program, const std::string& control) {
  const std::size_t mark = control.find('#');
  if (mark == std::string::npos) return usage_error("--control is for the supervisor");
  const bool keyed = control.ends_with(kKeyed);  // an identity ends in a number
  Transport transport;
  if (keyed) STREAM_TRY(take_key(transport, read_input()));
  std::string identity = control.substr(mark + 1);
  if (keyed) identity.resize(identity.size() - kKeyed.size());
  STREAM_ASSIGN(ControlClient client, ControlClient::connect(transport, control.substr(0, mark), identity));
  Note hello = note("hello", static_cast<std::uint64_t>(::getpid()), std::string(program.name));
  hello.can = {std::string(kCanRescale), std::string(kCanBeTraced)};
  STREAM_TRY(client.send(to_json(hello)));
  STREAM_ASSIGN(const std::string text, next_message(client, kAnswerPatience));
  STREAM_ASSIGN(Assignment assignment, assignment_from_json(text));
  if (!assignment.key.empty())
    STREAM_TRY(take_key(transport, std::exchange(assignment.key, {}) + " " + std::to_string(assignment.silence_us)));
  STREAM_ASSIGN(Values values, values_from_json(program.options, assignment.options));
  SupervisedInstance instance(program, std::move(assignment), std::move(values), client, transport);
  Status status = instance.run();
  if (!status.ok()) {
    Note last = note("failed", static_cast<std::uint64_t>(status.code()), status.what());
    // The connection may be what failed; the exit code tells the rest.
    if (Status sent = client.send(to_json(last)); !sent.ok()) return status;
  }
  return status;
}

}  // namespace stream
