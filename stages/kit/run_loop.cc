#include "stages/kit/run_loop.h"

#include <algorithm>

namespace stream {
namespace {

constexpr Microseconds kSpin = 60;  // a shorter wait is not worth a system call
constexpr Microseconds kCreditDelay = SendWindow::kTarget / 20;

}  // namespace

// Results go to the outputs; what a source emits also moves its watermark.
class RunLoop::LoopEmitter final : public Emitter {
 public:
  explicit LoopEmitter(RunLoop& loop) : loop_(loop) {}

  Status emit(Batch batch, std::size_t output) override {
    if (batch.rows == 0) return {};
    STREAM_TRY(loop_.outputs_.add(output, batch));
    loop_.emitted_ = true;
    if (loop_.stage_.source) loop_.note_rows(batch);
    if (!batch.schema->time) return {};
    const Column& time = batch.columns[*batch.schema->time];
    const Microseconds now = loop_.clock_.monotonic_us();
    const auto& source = loop_.stage_.source;
    if (source && !source->promised()) loop_.generator_.observe(time, source->split(), now);
    if (loop_.own_time_) loop_.own_time_->observe(loop_.feeding_channel_, time, now);
    return {};
  }

  Status bad_record(BadRecord record) override {
    return loop_.bad_records_.report(record, loop_.clock_.wall_us(), loop_.clock_.monotonic_us());
  }

  void late_records(std::uint64_t rows, std::size_t output) override {
    loop_.late_records_.add(rows, loop_.outputs_.connected(output), loop_.clock_.monotonic_us());
  }

  bool full() const override { return loop_.outputs_.full(); }
  std::size_t rows_wanted() const override { return loop_.outputs_.rows_wanted(); }
  bool wanted(std::size_t output) const override { return loop_.outputs_.connected(output); }

 private:
  RunLoop& loop_;
};

RunLoop::RunLoop(LoopConfig config, StageObject& stage, std::vector<Receiver> inputs, Outputs outputs,
                 BadRecords& bad_records, const Clock& clock)
    : config_(std::move(config)),
      stage_(stage),
      inputs_(std::move(inputs)),
      outputs_(std::move(outputs)),
      bad_records_(bad_records),
      late_records_(config_.program),
      clock_(clock),
      emitter_(std::make_unique<LoopEmitter>(*this)),
      merger_(inputs_.size()),
      generator_(config_.out_of_order, config_.idle_after),
      channel_open_(inputs_.size(), false),
      channel_ended_(inputs_.size(), false) {
  if (!inputs_.empty()) aligner_.emplace(inputs_.size(), config_.mode);
  if (!stage_.op || !stage_.op->makes_time()) return;
  own_time_.emplace(config_.instance, inputs_.size(), generator_);
  own_time_->start(clock_.monotonic_us());
}

RunLoop::~RunLoop() = default;

void RunLoop::restore(Microseconds watermark, bool ended) {
  merger_.restore(watermark);
  generator_.restore(watermark);
  restored_ended_ = ended;
  resumable_watermark_ = watermark;
  if (watermark == kNoWatermark) return;
  outputs_.set_watermark(stage_.op ? stage_.op->output_watermark(watermark) : watermark, false);
}

void RunLoop::assume_open() {
  channel_open_.assign(inputs_.size(), true);
  open_channels_ = inputs_.size();
}

Status RunLoop::run(ControlPort& port) {
  port_ = &port;
  began_ = clock_.monotonic_us();
  keeps_ = stage_.op && stage_.op->kept_batches() > 0;
  if (stage_.op && !own_time_ && !inputs_.empty() && merger_.merged() != kNoWatermark) {
    STREAM_TRY(stage_.op->on_watermark(merger_.merged(), *emitter_));
    after_ = stage_.op->has_more() ? After::kWatermark : After::kNothing;
  }
  if (opened()) STREAM_TRY(port.on_open(*this));
  while (!leaving_) STREAM_TRY(turn());
  return {};
}

Status RunLoop::turn() {
  STREAM_TRY(port_->serve(*this));
  if (leaving_) return {};
  auto pumped = outputs_.pump(clock_.monotonic_us(), false);
  if (!pumped.ok()) return std::move(pumped).status();
  bool worked = false;
  if (!stands()) { STREAM_ASSIGN(worked, work()); }
  if (worked) {
    ++counters_.turns;
    return {};
  }
  return wait();
}

Result<bool> RunLoop::work() {
  if (stage_.op && (stage_.op->has_more() || stage_.op->wake_fd() >= 0)) {
    const bool outside = stage_.op->wake_fd() >= 0;
    STREAM_TRY(go_on());
    if (!outside) return true;
    if (stage_.op->has_more()) return false;
  }
  if (const auto left = until_due(); left && *left == 0) {
    STREAM_TRY(stage_.op->on_time(clock_.wall_us(), *emitter_));
    STREAM_TRY(bad_records_.flush());
    STREAM_TRY(settle());
    return true;
  }
  return stage_.source ? poll_source() : read_inputs();
}

// What the operator has left, and then what waited for it.
Status RunLoop::go_on() {
  STREAM_TRY(stage_.op->more(*emitter_));
  STREAM_TRY(bad_records_.flush());
  if (stage_.op->wake_fd() >= 0 && !ended_ && merger_.merged() != kNoWatermark) { say_watermark(); }
  if (stage_.op->has_more()) return {};
  STREAM_TRY(after_more());
  if (stage_.op->has_more()) return {};
  STREAM_TRY(settle());
  const auto behind = std::exchange(barrier_behind_, std::nullopt);
  return behind ? align(behind->first, behind->second) : Status();
}

// How long until an operator's wall clock is due, if it goes by one.
std::optional<Microseconds> RunLoop::until_due() const {
  if (!stage_.op || ended_) return std::nullopt;
  const auto due = stage_.op->due();
  if (!due) return std::nullopt;
  return std::max<Microseconds>(0, *due - clock_.wall_us());
}

void RunLoop::note_rows(const Batch& batch) {
  counters_.emitted_us = clock_.monotonic_us();
  if (!batch.schema->time) return;
  const Column& time = batch.columns[*batch.schema->time];
  const std::size_t last = batch.rows - 1;
  if (time.valid(last)) counters_.emitted_age_us = clock_.wall_us() - time.values<Microseconds>()[last];
}

Result<bool> RunLoop::poll_source() {
  if (!may_poll()) return false;
  const Microseconds now = clock_.monotonic_us();
  if (now < source_sleep_until_) return false;
  auto polled = stage_.source->poll(*emitter_);
  if (!polled.ok()) return std::move(polled).status();
  STREAM_TRY(bad_records_.flush());
  if (emitted_ && marks_.due(now, LatencyMarks::kEvery)) outputs_.mark(system_clock().wall_us());
  emitted_ = false;
  generator_.advance(stage_.source->split(), now,
                     [this](std::uint64_t split) { return stage_.source->split_open(split); });
  if (const auto promised = stage_.source->promised()) generator_.promise(*promised);
  resumable_watermark_ = generator_.watermark();
  outputs_.set_watermark(generator_.watermark(), generator_.idle());
  if (*polled == Source::Poll::kEnd) {
    STREAM_TRY(finish_input());
  } else if (*polled == Source::Poll::kIdle) {
    source_sleep_until_ = now + stage_.source->idle_wait();
  }
  if (ahead()) STREAM_TRY(port_->on_ahead(*this));
  return *polled != Source::Poll::kIdle;
}

Result<bool> RunLoop::read_inputs() {
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    const std::size_t channel = next_channel_;
    next_channel_ = (next_channel_ + 1) % inputs_.size();
    if (aligner_->held(channel)) continue;
    auto received = inputs_[channel].receive();
    if (!received.ok()) return std::move(received).status();
    if (!*received) continue;
    STREAM_TRY(handle(channel, std::move(**received)));
    return true;
  }
  return false;
}

Status RunLoop::handle(std::size_t channel, Received received) {
  const FrameHeader header = received.header;
  switch (header.kind) {
    case FrameKind::kOpen: return open_channel(channel, received);
    case FrameKind::kData: STREAM_TRY(on_data(channel, std::move(received))); break;
    case FrameKind::kBarrier: return on_barrier(channel, header);
    case FrameKind::kEnd: return on_channel_end(channel);
    default: break;
  }
  if (header.origin_us != 0) pass_mark(header);
  return update_watermark(channel, header);
}

// What came with it, or before it, is worked through.
void RunLoop::pass_mark(const FrameHeader& header) {
  marks_.arrived(header.origin_us, system_clock().wall_us());
  if (stage_.op && !ended_ && marks_.due(clock_.monotonic_us(), LatencyMarks::kOnwards))
    outputs_.mark(header.origin_us);
}

Status RunLoop::open_channel(std::size_t channel, const Received& received) {
  STREAM_ASSIGN(Schema schema, schema_from_json(received.schema));
  Receiver& receiver = inputs_[channel];
  if (!receiver.schema()) {
    receiver.expect(std::make_shared<const Schema>(std::move(schema)));
  } else if (receiver.schema()->fields != schema.fields) {
    return corrupt("'" + receiver.identity().peer + "' sends (" + to_string(schema) + ") where (" +
                   to_string(*receiver.schema()) + ") was planned");
  }
  channel_open_[channel] = true;
  ++open_channels_;
  return opened() ? port_->on_open(*this) : Status();
}

Status RunLoop::on_data(std::size_t channel, Received received) {
  restored_ended_ = false;
  counters_.records_in += received.batch.rows;
  counters_.bytes_in += received.size_bytes;
  const std::size_t input = config_.input_of[channel];
  feeding_channel_ = channel;
  if (stage_.op) {
    STREAM_TRY(stage_.op->on_batch(input, std::move(received.batch), *emitter_));
  } else {
    STREAM_TRY(stage_.sink->on_batch(input, std::move(received.batch), *emitter_));
  }
  STREAM_TRY(bad_records_.flush());
  if (own_time_) advance_own_time(clock_.monotonic_us());
  unsettled_.emplace_back(channel, received.size_bytes);
  return settle();
}

Status RunLoop::update_watermark(std::size_t channel, const FrameHeader& header) {
  if (own_time_ || !merger_.update(channel, header.watermark, header.idle)) return {};
  if (merger_.merged() != kEndOfTime) resumable_watermark_ = merger_.merged();
  if (config_.event_clock != nullptr) config_.event_clock->reach(merger_.merged());
  if (stage_.sink) return stage_.sink->on_watermark(merger_.merged());
  if (restored_ended_) return {};
  if (stage_.op->has_more() && stage_.op->wake_fd() < 0) {
    after_ = After::kRows;  // those that came with it are not all through
    return {};
  }
  return hear_watermark();
}

Status RunLoop::hear_watermark() {
  STREAM_TRY(stage_.op->on_watermark(merger_.merged(), *emitter_));
  STREAM_TRY(bad_records_.flush());
  after_ = After::kWatermark;
  return stage_.op->has_more() ? Status() : after_more();
}

// The results that belong before a watermark or the end are out: now it may follow.
Status RunLoop::after_more() {
  switch (std::exchange(after_, After::kNothing)) {
    case After::kNothing: return {};
    case After::kRows: return hear_watermark();
    case After::kWatermark: say_watermark(); return {};
    case After::kEnd: return announce_end();
  }
  return {};
}

// Its sender will not say again what it carries, and says the same to all: heard before the cut, it makes the instances
// of a stage agree on how far event time has come.
Status RunLoop::on_barrier(std::size_t channel, const FrameHeader& header) {
  STREAM_TRY(update_watermark(channel, header));
  if (stage_.op) STREAM_TRY(stage_.op->await_results(*emitter_));
  if (!stage_.op || !stage_.op->has_more()) return align(channel, header.epoch);
  barrier_behind_ = {channel, header.epoch};
  return {};
}

Status RunLoop::align(std::size_t channel, Epoch epoch) {
  if (!aligner_->aligning()) alignment_since_ = clock_.monotonic_us();
  STREAM_ASSIGN(const BarrierAligner::Step step, aligner_->on_barrier(channel, epoch));
  return step == BarrierAligner::Step::kComplete ? checkpoint(epoch) : Status();
}

Status RunLoop::checkpoint(Epoch epoch) {
  const Microseconds begin = clock_.monotonic_us();
  BarrierTimes times;
  times.alignment_us = inputs_.empty() ? 0 : begin - alignment_since_;
  times.queued_bytes = outputs_.queued_bytes();
  STREAM_TRY(port_->on_barrier(*this, epoch, times));
  FrameHeader barrier;
  barrier.kind = FrameKind::kBarrier;
  barrier.epoch = epoch;
  outputs_.add_marker(barrier);
  begin_hold(epoch);
  return {};
}

Status RunLoop::on_channel_end(std::size_t channel) {
  STREAM_TRY(inputs_[channel].acknowledge_end());
  if (channel_ended_[channel]) return corrupt("frame: `end` came twice");
  channel_ended_[channel] = true;
  FrameHeader end;
  end.watermark = kEndOfTime;
  STREAM_TRY(update_watermark(channel, end));
  if (own_time_) {
    own_time_->close(channel, clock_.monotonic_us());
    advance_own_time(clock_.monotonic_us());
  }
  if (++ended_channels_ != inputs_.size() || ended_) return {};
  end_waits_ = stage_.op && stage_.op->kept_batches() > 0;
  return end_waits_ ? Status() : finish_input();
}

Status RunLoop::finish_input() {
  if (restored_ended_ || !stage_.op) {
    if (stage_.sink) STREAM_TRY(stage_.sink->on_end());
    return announce_end();
  }
  STREAM_TRY(stage_.op->on_end(*emitter_));
  STREAM_TRY(bad_records_.flush());
  after_ = After::kEnd;
  return stage_.op->has_more() ? Status() : after_more();
}

Status RunLoop::announce_end() {
  ended_ = true;
  late_records_.finish();
  outputs_.set_watermark(kEndOfTime, false);
  FrameHeader end;
  end.kind = FrameKind::kEnd;
  end.watermark = kEndOfTime;
  outputs_.add_marker(end);
  return port_->on_ended(*this);
}

Status RunLoop::drain() { return stage_.source && !ended_ ? finish_input() : Status(); }

Status RunLoop::wait() {
  if (!standing_) STREAM_TRY(port_->on_idle(*this));
  const Microseconds now = clock_.monotonic_us();
  if (own_time_ && !ended_ && !standing_) advance_own_time(now);
  late_records_.tell_rest(now);
  bad_records_.tell_rest(now);
  STREAM_ASSIGN(output_due_, outputs_.pump(now, true));
  Microseconds timeout = port_->patience();
  STREAM_ASSIGN(const auto credits_due, return_credits(now));
  if (credits_due) timeout = std::min(timeout, std::max<Microseconds>(0, *credits_due - now));
  if (output_due_) timeout = std::min(timeout, std::max<Microseconds>(0, *output_due_ - now));
  if (const auto left = until_due(); left && !stands()) timeout = std::min(timeout, *left);
  if (const auto due = own_time_ && !standing_ ? own_time_->idle_due(now) : std::nullopt)
    timeout = std::min(timeout, *due - now);
  if (may_poll() && !stands()) { timeout = std::min(timeout, std::max<Microseconds>(0, source_sleep_until_ - now)); }
  // ZeroMQ waits in milliseconds: a shorter wait is spent looking for input instead, unless something will wake us.
  const bool woken = stage_.source && stage_.source->wake_fd() >= 0 && !output_due_;
  if (timeout <= kSpin && !woken) return {};
  return wait_for(timeout);
}

// A credit is a message of its own, which wakes four threads: what was consumed is told together, unless it is much
// (see Receiver::consumed()), after a delay that is small beside the work a window is worth.
Result<std::optional<Microseconds>> RunLoop::return_credits(Microseconds now) {
  const bool owed = std::ranges::any_of(inputs_, [](const Receiver& input) { return input.owes_credits(); });
  if (!owed) {
    credits_owed_since_.reset();
    return std::optional<Microseconds>();
  }
  if (!credits_owed_since_) credits_owed_since_ = now;
  if (now - *credits_owed_since_ < kCreditDelay) return std::optional(*credits_owed_since_ + kCreditDelay);
  for (Receiver& input : inputs_) STREAM_TRY(input.flush_credits());
  credits_owed_since_.reset();
  return std::optional<Microseconds>();
}

Status RunLoop::wait_for(Microseconds timeout) {
  const bool full = stands();
  const bool outside = waits_outside();
  poller_.clear();
  port_->add_to(poller_);
  outputs_.add_to(poller_);
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    if (full || outside || aligner_->held(i)) continue;
    poller_.add(inputs_[i].socket().handle());
    poller_.add(inputs_[i].socket().monitor());
  }
  if (may_poll() && !full) poller_.add_descriptor(stage_.source->wake_fd());
  if (stage_.op && !full) poller_.add_descriptor(stage_.op->wake_fd());
  const Microseconds begin = clock_.monotonic_us();
  STREAM_TRY(poller_.wait(timeout));
  const Microseconds end = clock_.monotonic_us();
  if (full || !outside) (full ? counters_.backpressured_us : counters_.idle_us) += end - begin;
  if (stage_.source && stage_.source->wake_fd() >= 0) source_sleep_until_ = 0;
  return {};
}

}  // namespace stream
