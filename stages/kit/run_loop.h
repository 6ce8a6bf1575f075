// RunLoop: feeds one stage from its channels, one thing at a time, and cuts the stream at barriers.
//
// It never blocks but in one place, a poll over everything that can wake it. While outputs are
// full no input is read; control is always served. What drives it from outside (a supervisor, or
// nobody when wired by hand) is a ControlPort.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "stages/kit/aligner.h"
#include "stages/kit/bad_records.h"
#include "stages/kit/channel_watermarks.h"
#include "stages/kit/event_clock.h"
#include "stages/kit/late_records.h"
#include "stages/kit/latency_marks.h"
#include "stages/kit/output.h"
#include "stages/kit/stage.h"
#include "stages/kit/watermark.h"
#include "transport/channel.h"

namespace stream {

class RunLoop;

struct BarrierTimes {
  Microseconds alignment_us = 0;   // first barrier to last
  Microseconds pause_us = 0;       // what the loop itself stood still for
  std::uint64_t queued_bytes = 0;  // in the outputs, before the barrier
};

class ControlPort {
 public:
  virtual ~ControlPort() = default;
  virtual Status serve(RunLoop& loop) = 0;  // often; must not block
  virtual void add_to(Poller& poller) = 0;
  virtual Microseconds patience() const = 0;  // longest wait between two serve()
  virtual Status on_open(RunLoop& loop) = 0;  // every input channel has opened
  // Write everything that must survive and capture it. The barrier is forwarded afterwards.
  virtual Status on_barrier(RunLoop& loop, Epoch epoch, BarrierTimes times) = 0;
  virtual Status on_idle(RunLoop& /*loop*/) { return {}; }   // no input waits
  virtual Status on_ahead(RunLoop& /*loop*/) { return {}; }  // a source has begun to wait for others
  virtual Status on_ended(RunLoop& loop) = 0;                // all results are in the outputs, then `end`
};

// The one stage object of an instance: exactly one pointer is set.
struct StageObject {
  std::unique_ptr<Source> source;
  std::unique_ptr<Operator> op;
  std::unique_ptr<Sink> sink;
};

struct LoopConfig {
  AlignmentMode mode = AlignmentMode::kExactlyOnce;
  Microseconds out_of_order = 0;  // of what makes event time
  Microseconds idle_after = 0;    // … 0 = never
  std::uint32_t instance = 0;
  bool aligned = false;               // a source that waits for others which are behind in event time
  std::vector<std::size_t> input_of;  // channel -> input
  std::string program;                // for messages: "stream-filter"
  EventClock* event_clock = nullptr;  // moved by event time
};

struct LoopCounters {
  std::uint64_t records_in = 0;
  std::uint64_t bytes_in = 0;
  Microseconds idle_us = 0;
  Microseconds backpressured_us = 0;
  std::uint64_t turns = 0;  // rises while the loop makes progress
  // Of a source: when it last had a row (monotonic, 0 = not yet), and how old that was then by its event time.
  Microseconds emitted_us = 0;
  std::optional<Microseconds> emitted_age_us = {};
};

class RunLoop {
 public:
  RunLoop(LoopConfig config, StageObject& stage, std::vector<Receiver> inputs, Outputs outputs, BadRecords& bad_records,
          const Clock& clock);
  ~RunLoop();

  // Runs until leave() or an error.
  Status run(ControlPort& port);

  // --- for the port -------------------------------------------------------------------------------
  void start() { started_ = true; }  // sources may read
  // Sources do not read: a final checkpoint comes. If it fails, the next one may be an ordinary one, and they read on.
  void set_paused(bool paused) { paused_ = paused; }
  // An aligned source reads until its watermark is behind this; before the first call, until it has one.
  void read_until(Microseconds watermark) { read_until_ = watermark; }
  Status drain();                  // sources behave as if their input had ended
  Status checkpoint(Epoch epoch);  // a source's barrier; others get theirs in band
  void leave() { leaving_ = true; }
  // At the barrier of the checkpoint what goes into these output channels begins to wait; `all`: nothing is done any
  // more.
  void hold_at(Epoch epoch, std::vector<std::uint32_t> channels, bool all);
  void release();  // as if nobody had said hold_at()
  // A channel it goes on reading, or one that takes the place of those left out.
  struct InputPlace {
    std::optional<std::size_t> kept;
    std::optional<Receiver> fresh;
    std::size_t input = 0;
  };
  // After a hold. Errors: kCorrupt while barriers are being aligned.
  Status replace_inputs(std::vector<InputPlace> places);
  void restore(Microseconds watermark, bool ended);
  // After restore(). `as_before`: the stage has as many instances as when this was kept.
  void restore_splits(const std::map<std::uint64_t, Microseconds>& highest, bool as_before);
  // The highest time of each split or channel that is read beside others; nothing: there are none.
  std::optional<std::map<std::uint64_t, Microseconds>> highest_by_split() const;
  void assume_open();  // every `open` was taken before the loop began

  bool ended() const { return ended_; }
  bool opened() const { return open_channels_ == inputs_.size(); }
  Microseconds watermark() const;
  bool watermark_idle() const;
  bool ahead() const;  // it waits: see read_until()
  // The newest watermark that is not the end of time: what a snapshot keeps.
  Microseconds resumable_watermark() const { return resumable_watermark_; }
  std::optional<std::string> watermark_held_by() const;  // peer whose channel is furthest behind
  const LoopCounters& counters() const { return counters_; }
  Microseconds running_us() const { return clock_.monotonic_us() - began_; }  // since run() began
  std::uint64_t late_records() const { return late_records_.count(); }
  std::vector<Microseconds> take_latencies() { return marks_.take(); }  // since the last call
  Outputs& outputs() { return outputs_; }
  StageObject& stage() { return stage_; }
  std::vector<Receiver>& inputs() { return inputs_; }

 private:
  class LoopEmitter;
  enum class After : std::uint8_t { kNothing, kRows, kWatermark, kEnd };

  Status turn();
  Result<bool> work();
  Status go_on();
  std::optional<Microseconds> until_due() const;
  bool stands() const { return standing_ || outputs_.full(); }
  bool may_poll() const { return stage_.source && started_ && !paused_ && !ended_ && !ahead(); }
  void note_rows(const Batch& batch);
  Result<bool> poll_source();
  Result<bool> read_inputs();
  Status handle(std::size_t channel, Received received);
  void pass_mark(const FrameHeader& header);
  Status open_channel(std::size_t channel, const Received& received);
  Status on_data(std::size_t channel, Received received);
  Status on_barrier(std::size_t channel, const FrameHeader& header);
  Status align(std::size_t channel, Epoch epoch);
  void begin_hold(Epoch epoch);
  Status on_channel_end(std::size_t channel);
  Status settle();
  void say_watermark();
  void advance_own_time(Microseconds now);
  Status update_watermark(std::size_t channel, const FrameHeader& header);
  Status hear_watermark();
  Status after_more();
  bool waits_outside() const { return stage_.op && stage_.op->has_more() && stage_.op->wake_fd() >= 0; }
  Status finish_input();
  Status announce_end();
  Status wait();
  Result<std::optional<Microseconds>> return_credits(Microseconds now);
  Status wait_for(Microseconds timeout);

  LoopConfig config_;
  StageObject& stage_;
  std::vector<Receiver> inputs_;
  Outputs outputs_;
  BadRecords& bad_records_;
  LateRecords late_records_;
  LatencyMarks marks_;
  bool emitted_ = false;  // a source, since its last mark
  const Clock& clock_;
  std::unique_ptr<LoopEmitter> emitter_;
  std::optional<BarrierAligner> aligner_;
  WatermarkMerger merger_;
  WatermarkGenerator generator_;               // of a source
  std::optional<ChannelWatermarks> own_time_;  // of an operator that makes event time
  // Channel (none: it is closed) and bytes of batches not known to be done with.
  std::deque<std::pair<std::optional<std::size_t>, std::size_t>> unsettled_;
  ControlPort* port_ = nullptr;
  Poller poller_;
  std::vector<bool> channel_open_;
  std::vector<bool> channel_ended_;
  std::size_t open_channels_ = 0;
  std::size_t ended_channels_ = 0;
  std::size_t next_channel_ = 0;
  After after_ = After::kNothing;
  std::optional<std::pair<std::size_t, Epoch>> barrier_behind_;  // waits until the stage has nothing left
  struct Hold {
    Epoch epoch;
    std::vector<std::uint32_t> channels;
    bool all = false;
  };
  std::optional<Hold> hold_;         // comes with a barrier
  bool standing_ = false;            // behind the barrier of a hold
  std::size_t feeding_channel_ = 0;  // the one whose batch the operator is given
  bool keeps_ = false;               // the operator keeps batches
  bool end_waits_ = false;           // until the operator keeps no batch
  std::optional<Microseconds> read_until_;
  bool started_ = false;
  bool paused_ = false;
  bool ended_ = false;  // nothing more will be emitted
  Microseconds resumable_watermark_ = kNoWatermark;
  bool restored_ended_ = false;  // it was so before the checkpoint: results must not come twice
  bool leaving_ = false;
  Microseconds source_sleep_until_ = 0;
  Microseconds alignment_since_ = 0;
  std::optional<Microseconds> output_due_;
  std::optional<Microseconds> credits_owed_since_;
  LoopCounters counters_;
  Microseconds began_ = 0;
};

}  // namespace stream
