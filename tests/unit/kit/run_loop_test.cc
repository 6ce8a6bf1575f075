#include "stages/kit/run_loop.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>

#include "stages/kit/progress.h"

using namespace stream;

namespace {

class Watching final : public Operator {
 public:
  Status on_batch(std::size_t, Batch, Emitter&) override { return {}; }
  Status on_watermark(Microseconds watermark, Emitter&) override {
    seen.push_back(watermark);
    return {};
  }
  std::vector<Microseconds> seen;
};

// Remembers the numbers it got, and whether it was told of the end.
class Collecting final : public Operator {
 public:
  Status on_batch(std::size_t, Batch batch, Emitter&) override {
    for (std::size_t row = 0; row < batch.rows; ++row) got.push_back(batch.columns[0].value<std::int64_t>(row));
    return {};
  }
  Status on_end(Emitter&) override {
    ended = true;
    return {};
  }
  std::vector<std::int64_t> got;
  bool ended = false;
};

// Has something left of a watermark, and it is bad.
class LeavesBad final : public Operator {
 public:
  Status on_batch(std::size_t, Batch, Emitter&) override { return {}; }
  Status on_watermark(Microseconds, Emitter&) override {
    left_ = true;
    return {};
  }
  bool has_more() const override { return left_; }
  Status more(Emitter& out) override {
    left_ = false;
    return out.bad_record({"bad", "", ""});
  }

 private:
  bool left_ = false;
};

// Is through with a batch only when it was asked for more twice.
class Slow final : public Operator {
 public:
  Status on_batch(std::size_t, Batch, Emitter&) override {
    left_ = 2;
    return {};
  }
  Status on_watermark(Microseconds watermark, Emitter&) override {
    seen.emplace_back(watermark, left_);
    return {};
  }
  bool has_more() const override { return left_ > 0; }
  Status more(Emitter&) override {
    --left_;
    return {};
  }
  std::vector<std::pair<Microseconds, int>> seen;  // and how much was left then

 private:
  int left_ = 0;
};

// Takes the numbers for event time.
class Timing final : public Operator {
 public:
  bool makes_time() const override { return true; }
  Status on_batch(std::size_t, Batch batch, Emitter& out) override {
    return out.emit({schema_, batch.rows, {batch.columns[0].retyped(kTimestamp)}, {}});
  }

 private:
  SchemaPtr schema_ = std::make_shared<const Schema>(Schema{{{"ts", kTimestamp}}, 0, {}, Changelog::kAppend});
};

// Keeps what it gets until it is let go.
class Keeping final : public Operator {
 public:
  Status on_batch(std::size_t, Batch, Emitter&) override {
    ++kept;
    return {};
  }
  std::size_t kept_batches() const override { return kept; }
  std::optional<Microseconds> due() const override {
    return let_go && kept > 0 ? std::optional<Microseconds>(0) : std::nullopt;
  }
  Status on_time(Microseconds, Emitter&) override {
    kept = 0;
    return {};
  }
  Status on_end(Emitter&) override {
    kept_at_end = kept;
    ended = true;
    return {};
  }
  std::size_t kept = 0;
  std::size_t kept_at_end = 99;
  bool let_go = false;
  bool ended = false;
};

// Answers rows only when somebody outside says so.
class Outside final : public Operator {
 public:
  Outside() { BOOST_TEST_REQUIRE(::pipe2(ends_, O_NONBLOCK | O_CLOEXEC) == 0); }
  ~Outside() override {
    ::close(ends_[0]);
    ::close(ends_[1]);
  }
  Status on_batch(std::size_t, Batch batch, Emitter&) override {
    given += batch.rows;
    return {};
  }
  Microseconds output_watermark(Microseconds watermark) const override {
    return answered == given ? watermark : kNoWatermark;
  }
  bool has_more() const override { return settling_ && answered < given; }
  Status more(Emitter&) override {
    ++calls;
    char byte = 0;
    if (::read(ends_[0], &byte, 1) == 1) answered = given;
    return {};
  }
  int wake_fd() const override { return ends_[0]; }
  Status await_results(Emitter&) override {
    settling_ = true;
    return {};
  }
  void answer() { BOOST_TEST(::write(ends_[1], "x", 1) == 1); }

  std::size_t given = 0;
  std::size_t answered = 0;
  int calls = 0;

 private:
  int ends_[2];
  bool settling_ = false;
};

// Leaves when what is waited for has happened, or it takes too long.
class UntilDone final : public ControlPort {
 public:
  explicit UntilDone(std::function<bool()> done) : done_(std::move(done)) {}
  Status serve(RunLoop& loop) override {
    ++turns;
    if (on_turn) on_turn(loop);
    if (done_()) loop.leave();
    return system_clock().monotonic_us() < deadline_ ? Status() : failed("it did not happen");
  }
  void add_to(Poller&) override {}
  Microseconds patience() const override { return 1'000; }
  Status on_open(RunLoop&) override { return {}; }
  Status on_barrier(RunLoop& loop, Epoch epoch, BarrierTimes) override {
    barriers.push_back(epoch);
    at_barrier = loop.resumable_watermark();
    if (barrier_hook) barrier_hook();
    return {};
  }
  Status on_ended(RunLoop&) override { return {}; }
  int turns = 0;
  std::vector<Epoch> barriers;
  Microseconds at_barrier = 0;
  std::function<void()> barrier_hook;
  std::function<void(RunLoop&)> on_turn;

 private:
  std::function<bool()> done_;
  Microseconds deadline_ = system_clock().monotonic_us() + 5'000'000;
};

// A loop whose input channels have opened.
struct Inputs {
  Transport transport;
  SchemaPtr schema = std::make_shared<const Schema>(*parse_schema("n bigint"));
  std::vector<Receiver> receivers;
  std::vector<Sender> senders;
  BadRecords bad_records{OnError::kSkip, "stream-test", "test"};
  StageObject stage;
  AlignmentMode mode = AlignmentMode::kExactlyOnce;
  Progress::Value restored;

  explicit Inputs(std::uint32_t channels = 1) {
    for (std::uint32_t i = 0; i < channels; ++i) {
      const ChannelIdentity identity{{}, Attempt(1), ChannelId(i), "peer"};
      const std::string endpoint = "ipc:///tmp/stream-run-loop-test-" + std::to_string(i);
      receivers.push_back(*Receiver::bind(transport, endpoint, identity));
      senders.push_back(*Sender::connect(transport, endpoint, identity, 1 << 20));
      BOOST_TEST_REQUIRE(senders.back().open(*schema, 0).ok());
    }
  }
  void send(FrameKind kind, Microseconds watermark, Epoch epoch = {}, std::size_t channel = 0) {
    FrameHeader header;
    header.kind = kind;
    header.watermark = watermark;
    header.epoch = epoch;
    BOOST_TEST_REQUIRE(senders[channel].send(header, nullptr, 0).ok());
  }
  void send_row(std::int64_t n, std::size_t channel, Microseconds watermark = kNoWatermark) {
    BatchBuilder builder(schema);
    builder.column(0).append(n);
    builder.end_row();
    const Batch batch = builder.finish();
    FrameHeader header;
    header.watermark = watermark;
    BOOST_TEST_REQUIRE(senders[channel].send(header, &batch, 0).ok());
  }
  void run(std::unique_ptr<Operator> op, UntilDone& port) {
    stage.op = std::move(op);
    LoopConfig config;
    config.mode = mode;
    config.input_of.assign(receivers.size(), 0);
    Outputs outputs(std::vector<std::vector<OutputEdge>>(2));
    RunLoop loop(std::move(config), stage, std::move(receivers), std::move(outputs), bad_records, system_clock());
    loop.restore(restored.watermark, restored.ended);
    const Status status = loop.run(port);
    BOOST_TEST(status.ok(), status.what());
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(run_loop)

// A sender counts what it has put on a barrier as said, and says it no second time.
BOOST_AUTO_TEST_CASE(what_a_barrier_says_of_event_time_is_heard) {
  Inputs one;
  one.send(FrameKind::kBarrier, 17, Epoch(1));
  auto op = std::make_unique<Watching>();
  const Watching& watching = *op;
  UntilDone port([&] { return !watching.seen.empty(); });
  one.run(std::move(op), port);
  BOOST_TEST((port.barriers == std::vector<Epoch>{Epoch(1)}));
  BOOST_TEST((watching.seen == std::vector<Microseconds>{17}));
  BOOST_TEST(port.at_barrier == 17);  // it belongs before the cut
}

BOOST_AUTO_TEST_CASE(what_a_watermark_has_left_is_out_before_the_barrier) {
  Inputs one;
  one.send(FrameKind::kBarrier, 17, Epoch(1));
  std::size_t out = 0;
  one.bad_records.connect([&](const Batch& rows) {
    out += rows.rows;
    return Status();
  });
  std::size_t at_barrier = 0;
  UntilDone port([&] { return at_barrier > 0; });
  port.barrier_hook = [&] { at_barrier = out; };
  one.run(std::make_unique<LeavesBad>(), port);
  BOOST_TEST(at_barrier == 1u);
}

BOOST_AUTO_TEST_CASE(a_watermark_is_heard_when_the_rows_before_it_are_through) {
  Inputs one;
  one.send_row(1, 0, 5);
  one.send(FrameKind::kBarrier, 17, Epoch(1));
  auto op = std::make_unique<Slow>();
  const Slow& slow = *op;
  UntilDone port([&] { return slow.seen.size() == 2; });
  one.run(std::move(op), port);
  BOOST_TEST((slow.seen == std::vector<std::pair<Microseconds, int>>{{5, 0}, {17, 0}}));
  BOOST_TEST((port.barriers == std::vector<Epoch>{Epoch(1)}));
}

// The first channel is ahead: what it sends behind its barrier belongs to the next checkpoint.
BOOST_AUTO_TEST_CASE(a_cut_holds_what_came_before_the_barrier_of_every_channel_and_no_more) {
  for (const auto mode : {AlignmentMode::kExactlyOnce, AlignmentMode::kAtLeastOnce}) {
    Inputs two(2);
    two.mode = mode;
    two.send_row(1, 0);
    two.send(FrameKind::kBarrier, kNoWatermark, Epoch(1), 0);
    two.send_row(2, 0);
    auto op = std::make_unique<Collecting>();
    const Collecting& collecting = *op;
    std::vector<std::int64_t> at_barrier;
    bool second_sent = false;
    UntilDone port([&] {
      const std::size_t before = mode == AlignmentMode::kExactlyOnce ? 1 : 2;
      if (!second_sent && collecting.got.size() == before && port.turns > 200) {
        second_sent = true;
        two.send_row(3, 1);
        two.send(FrameKind::kBarrier, kNoWatermark, Epoch(1), 1);
      }
      return !at_barrier.empty() && collecting.got.size() == 3;
    });
    port.barrier_hook = [&] { at_barrier = collecting.got; };
    two.run(std::move(op), port);
    const std::vector<std::int64_t> cut =
        mode == AlignmentMode::kExactlyOnce ? std::vector<std::int64_t>{1, 3} : std::vector<std::int64_t>{1, 2, 3};
    BOOST_TEST(at_barrier == cut, boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_CASE(a_cut_waits_for_results_from_outside_and_takes_nothing_in_meanwhile) {
  Inputs one;
  one.send_row(1, 0);
  one.send_row(2, 0);
  one.send(FrameKind::kBarrier, kNoWatermark, Epoch(1));
  one.send_row(3, 0);
  auto op = std::make_unique<Outside>();
  Outside& outside = *op;
  std::size_t at_barrier = 0;
  std::size_t given_at_barrier = 0;
  int calls_at_answer = 0;
  UntilDone port([&] {
    if (port.turns > 50 && calls_at_answer == 0) {
      BOOST_TEST(outside.given == 2u);
      BOOST_TEST(port.barriers.empty());
      calls_at_answer = outside.calls;
      outside.answer();
    }
    return !port.barriers.empty() && outside.given == 3;
  });
  port.barrier_hook = [&] {
    at_barrier = outside.answered;
    given_at_barrier = outside.given;
  };
  one.run(std::move(op), port);
  BOOST_TEST(at_barrier == 2u);
  BOOST_TEST(given_at_barrier == 2u);
  BOOST_TEST(calls_at_answer > 0);
}

BOOST_AUTO_TEST_CASE(the_end_of_time_is_not_what_a_snapshot_keeps) {
  Inputs one;
  one.send(FrameKind::kWatermark, 17);
  one.send(FrameKind::kEnd, kEndOfTime);
  one.send(FrameKind::kBarrier, kEndOfTime, Epoch(1));
  UntilDone port([&] { return !port.barriers.empty(); });
  auto op = std::make_unique<Collecting>();
  const Collecting& collecting = *op;
  one.run(std::move(op), port);
  BOOST_TEST(collecting.ended);
  BOOST_TEST(port.at_barrier == 17);
}

// Its input's event time is no longer any: the slowest channel says how far it is.
BOOST_AUTO_TEST_CASE(an_operator_that_makes_event_time_has_a_watermark_of_its_own) {
  for (const bool second : {false, true}) {
    Inputs two(2);
    two.send_row(1000, 0);
    if (second) two.send_row(70, 1);
    two.send(FrameKind::kBarrier, 5'000, Epoch(1), 0);
    two.send(FrameKind::kBarrier, 5'000, Epoch(1), 1);
    UntilDone port([&] { return !port.barriers.empty(); });
    two.run(std::make_unique<Timing>(), port);
    BOOST_TEST(port.at_barrier == (second ? 70 : kNoWatermark));
  }
}

BOOST_AUTO_TEST_CASE(the_end_waits_for_batches_that_are_kept_and_barriers_do_not) {
  Inputs one;
  one.send_row(1, 0);
  one.send(FrameKind::kEnd, kEndOfTime);
  one.send(FrameKind::kBarrier, kEndOfTime, Epoch(1));
  auto op = std::make_unique<Keeping>();
  Keeping& keeping = *op;
  std::size_t kept_at_barrier = 0;
  bool ended_at_barrier = true;
  UntilDone port([&] {
    keeping.let_go = !port.barriers.empty() && port.turns > 200;
    return keeping.ended;
  });
  port.barrier_hook = [&] {
    kept_at_barrier = keeping.kept;
    ended_at_barrier = keeping.ended;
  };
  one.run(std::move(op), port);
  BOOST_TEST(kept_at_barrier == 1U);
  BOOST_TEST(!ended_at_barrier);
  BOOST_TEST(keeping.kept_at_end == 0U);
}

BOOST_AUTO_TEST_CASE(what_had_ended_before_the_restore_gives_its_results_no_second_time) {
  Inputs one;
  one.restored = {17, true};
  one.send(FrameKind::kEnd, kEndOfTime);
  one.send(FrameKind::kBarrier, kEndOfTime, Epoch(1));
  UntilDone port([&] { return !port.barriers.empty(); });
  auto op = std::make_unique<Collecting>();
  const Collecting& collecting = *op;
  one.run(std::move(op), port);
  BOOST_TEST(!collecting.ended);
}

// --- neighbours are replaced

BOOST_AUTO_TEST_CASE(who_is_told_to_stand_still_does_nothing_behind_the_barrier_until_it_is_released) {
  Inputs one;
  one.send_row(1, 0);
  one.send(FrameKind::kBarrier, kNoWatermark, Epoch(1));
  one.send_row(2, 0);
  auto op = std::make_unique<Collecting>();
  const Collecting& collecting = *op;
  UntilDone port([&] { return collecting.got.size() == 2; });
  int since = 0;
  port.on_turn = [&](RunLoop& loop) {
    if (port.turns == 1) loop.hold_at(Epoch(1), {}, true);
    if (port.barriers.empty() || ++since != 20) return;
    BOOST_TEST(collecting.got.size() == 1u);
    loop.release();
  };
  one.run(std::move(op), port);
  BOOST_TEST(since >= 20);
}

BOOST_AUTO_TEST_CASE(a_hold_for_a_checkpoint_that_was_given_up_holds_nothing) {
  Inputs one;
  one.send(FrameKind::kBarrier, kNoWatermark, Epoch(2));
  one.send_row(1, 0);
  auto op = std::make_unique<Collecting>();
  const Collecting& collecting = *op;
  UntilDone port([&] { return collecting.got.size() == 1; });
  port.on_turn = [&](RunLoop& loop) {
    if (port.turns == 1) loop.hold_at(Epoch(1), {}, true);
  };
  one.run(std::move(op), port);
}

// The first of two channels goes on; the second makes way for two others, which bring rows, a barrier and their ends.
BOOST_AUTO_TEST_CASE(other_channels_take_over_from_one_while_another_goes_on) {
  Inputs all(2);
  for (std::size_t channel : {0, 1}) {
    all.send_row(static_cast<std::int64_t>(channel), channel, 100);
    all.send(FrameKind::kBarrier, 100, Epoch(1), channel);
  }
  auto op = std::make_unique<Collecting>();
  const Collecting& collecting = *op;
  bool opened_again = false;
  UntilDone port([&] { return collecting.ended; });
  port.on_turn = [&](RunLoop& loop) {
    if (port.barriers.size() != 1 || all.senders.size() != 2) return;
    std::vector<RunLoop::InputPlace> places;
    for (std::uint32_t id = 5; id < 7; ++id) {
      const ChannelIdentity identity{{}, Attempt(2), ChannelId(id), "peer"};
      const std::string endpoint = "ipc:///tmp/stream-run-loop-test-" + std::to_string(id);
      places.push_back({std::nullopt, *Receiver::bind(all.transport, endpoint, identity), 0});
      all.senders.push_back(*Sender::connect(all.transport, endpoint, identity, 1 << 20));
      BOOST_TEST_REQUIRE(all.senders.back().open(*all.schema, 0).ok());
    }
    places.push_back({0, std::nullopt, 0});
    BOOST_TEST(loop.replace_inputs(std::move(places)).ok());
    BOOST_TEST(!loop.opened());
    BOOST_TEST(loop.watermark() == 100);
    for (std::size_t channel : {0, 2, 3}) {
      all.send_row(static_cast<std::int64_t>(10 + channel), channel, 120);
      all.send(FrameKind::kBarrier, 120, Epoch(2), channel);
      all.send(FrameKind::kEnd, kEndOfTime, {}, channel);
    }
  };
  port.barrier_hook = [&] { opened_again = collecting.got.size() == 5; };
  all.run(std::move(op), port);
  std::vector<std::int64_t> got = collecting.got;
  std::ranges::sort(got);
  BOOST_TEST(got == (std::vector<std::int64_t>{0, 1, 10, 12, 13}), boost::test_tools::per_element());
  BOOST_TEST((port.barriers == std::vector<Epoch>{Epoch(1), Epoch(2)}));
  BOOST_TEST(opened_again);  // the second cut holds all of them
  BOOST_TEST(port.at_barrier == 120);
}

BOOST_AUTO_TEST_SUITE_END()
