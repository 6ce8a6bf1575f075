#include "stages/kit/run_loop.h"

#include <boost/test/unit_test.hpp>

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

// Leaves when what is waited for has happened, or it takes too long.
class UntilDone final : public ControlPort {
 public:
  explicit UntilDone(std::function<bool()> done) : done_(std::move(done)) {}
  Status serve(RunLoop& loop) override {
    if (done_()) loop.leave();
    return system_clock().monotonic_us() < deadline_ ? Status() : failed("it did not happen");
  }
  void add_to(Poller&) override {}
  Microseconds patience() const override { return 10'000; }
  Status on_open(RunLoop&) override { return {}; }
  Status on_barrier(RunLoop& loop, Epoch epoch, BarrierTimes) override {
    barriers.push_back(epoch);
    at_barrier = loop.resumable_watermark();
    if (barrier_hook) barrier_hook();
    return {};
  }
  Status on_ended(RunLoop&) override { return {}; }
  std::vector<Epoch> barriers;
  Microseconds at_barrier = 0;
  std::function<void()> barrier_hook;

 private:
  std::function<bool()> done_;
  Microseconds deadline_ = system_clock().monotonic_us() + 5'000'000;
};

// A loop with one input channel, which has opened.
struct OneInput {
  Transport transport;
  ChannelIdentity identity{{}, Attempt(1), ChannelId(1), "peer"};
  std::vector<Receiver> inputs;
  std::optional<Sender> sender;
  BadRecords bad_records{OnError::kSkip, "stream-test", "test"};
  StageObject stage;

  OneInput() {
    inputs.push_back(*Receiver::bind(transport, "ipc:///tmp/stream-run-loop-test", identity));
    sender = *Sender::connect(transport, inputs[0].endpoint(), identity, 1 << 20);
    BOOST_TEST_REQUIRE(sender->open(*parse_schema("n bigint"), 0).ok());
  }
  void send(FrameKind kind, Microseconds watermark, Epoch epoch = {}) {
    FrameHeader header;
    header.kind = kind;
    header.watermark = watermark;
    header.epoch = epoch;
    BOOST_TEST_REQUIRE(sender->send(header, nullptr, 0).ok());
  }
  void run(std::unique_ptr<Operator> op, UntilDone& port) {
    stage.op = std::move(op);
    LoopConfig config;
    config.input_of = {0};
    Outputs outputs(std::vector<std::vector<OutputEdge>>(2));
    RunLoop loop(std::move(config), stage, std::move(inputs), std::move(outputs), bad_records, system_clock());
    const Status status = loop.run(port);
    BOOST_TEST(status.ok(), status.what());
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(run_loop)

// A sender counts what it has put on a barrier as said, and says it no second time.
BOOST_AUTO_TEST_CASE(what_a_barrier_says_of_event_time_is_heard) {
  OneInput one;
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
  OneInput one;
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

BOOST_AUTO_TEST_SUITE_END()
