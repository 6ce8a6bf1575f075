// SupervisedInstance: one instance of a stage that a supervisor has started, from its setup to its end.
//
// Everything happens on the thread of the loop but what is written down: snapshots, their merging and commits have a
// thread each, and tell the loop when they are done.
#pragma once

#include <atomic>
#include <optional>
#include <string>

#include "snapshot/snapshot_writer.h"
#include "stages/kit/dead_letter.h"
#include "stages/kit/idle_memory.h"
#include "stages/kit/instance.h"
#include "stages/kit/progress.h"
#include "stages/kit/tap.h"
#include "transport/base/worker.h"
#include "transport/control.h"

namespace stream {

// Of the control protocol.
inline Note note(std::string type, std::uint64_t epoch = 0, std::string text = {}) {
  return {std::move(type), epoch, std::move(text), {}};
}

// Waits for a message that the supervisor sends at once. Errors: kPeerGone.
Result<std::string> next_message(ControlClient& control, Microseconds patience);

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
  Status report_snapshot(const Status& written, const SnapshotDone& done);
  void merge_files_if_many();
  void merge_files(const SnapshotWriter::Merge& merge);
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

}  // namespace stream
