#include <boost/test/unit_test.hpp>

#include "stages/kit/output.h"
#include "tests/support/temp_dir.h"

using namespace stream;

namespace {

// An edge, and the receivers of its channels.
struct Bench {
  TempDir dir;
  Transport transport;
  SchemaPtr schema = std::make_shared<const Schema>(*parse_schema("n bigint"));
  std::vector<Receiver> receivers;
  std::uint32_t next = 0;

  std::vector<Sender> senders(std::size_t count) {
    std::vector<Sender> out;
    receivers.clear();
    for (; count > 0; --count, ++next) {
      const ChannelIdentity identity{{}, Attempt(1), ChannelId(next), "peer"};
      const std::string endpoint = "ipc://" + dir.path() + "/" + std::to_string(next);
      receivers.push_back(*Receiver::bind(transport, endpoint, identity));
      receivers.back().expect(schema);
      out.push_back(*Sender::connect(transport, endpoint, identity, 1 << 20));
      BOOST_TEST_REQUIRE(out.back().open(*schema, 0).ok());
    }
    return out;
  }
  OutputEdge::Config config(Spread spread) const {
    return {.to = "next",
            .spread = spread,
            .hash_columns = {0},
            .key_groups = 8,
            .columns = {0},
            .schema = schema,
            .where = {}};
  }
  Batch rows(std::int64_t from, std::int64_t to) const {
    BatchBuilder builder(schema);
    for (std::int64_t n = from; n < to; ++n) {
      builder.column(0).append(n);
      builder.end_row();
    }
    return builder.finish();
  }
  // What has come over all channels until `done`: rows and markers, the watermark beside the last of each channel.
  struct Got {
    std::size_t rows = 0;
    std::size_t barriers = 0;
    std::size_t ends = 0;
    std::vector<std::size_t> rows_of;
    std::vector<Microseconds> watermark_of;
  };
  Got receive(Outputs& outputs, const std::function<bool(const Got&)>& done) {
    Got got;
    got.rows_of.resize(receivers.size());
    got.watermark_of.resize(receivers.size(), kNone);
    const Microseconds deadline = system_clock().monotonic_us() + 5'000'000;
    while (!done(got) && system_clock().monotonic_us() < deadline) {
      BOOST_TEST_REQUIRE(outputs.pump(system_clock().monotonic_us(), true).ok());
      for (std::size_t i = 0; i < receivers.size(); ++i) {
        auto frame = receivers[i].receive();
        BOOST_TEST_REQUIRE(frame.ok());
        if (!*frame) continue;
        got.rows += (*frame)->batch.rows;
        got.rows_of[i] += (*frame)->batch.rows;
        got.barriers += (*frame)->header.kind == FrameKind::kBarrier ? 1 : 0;
        got.ends += (*frame)->header.kind == FrameKind::kEnd ? 1 : 0;
        if ((*frame)->header.kind != FrameKind::kOpen) got.watermark_of[i] = (*frame)->header.watermark;
      }
    }
    BOOST_TEST(done(got));
    return got;
  }
  static constexpr Microseconds kNone = INT64_MIN;
};

FrameHeader marker(FrameKind kind) {
  FrameHeader header;
  header.kind = kind;
  header.epoch = Epoch(1);
  return header;
}

Outputs of(OutputEdge edge) {
  std::vector<std::vector<OutputEdge>> edges(1);
  edges[0].push_back(std::move(edge));
  return Outputs(std::move(edges));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(output_edge)

BOOST_AUTO_TEST_CASE(behind_a_barrier_rows_wait_for_other_receivers) {
  Bench bench;
  Outputs outputs = of(OutputEdge(bench.config(Spread::kForward), bench.senders(1)));
  outputs.set_watermark(5, false);
  BOOST_TEST(outputs.add(0, bench.rows(0, 10)).ok());
  outputs.add_marker(marker(FrameKind::kBarrier));
  outputs.hold(std::vector<std::uint32_t>{0});
  BOOST_TEST(outputs.add(0, bench.rows(10, 100)).ok());
  outputs.set_watermark(9, false);
  outputs.add_marker(marker(FrameKind::kEnd));
  const auto before = bench.receive(outputs, [](const auto& got) { return got.barriers == 1; });
  BOOST_TEST((before.rows == 10u && before.ends == 0u));
  BOOST_TEST(outputs.queued_bytes() > 0u);

  outputs.edges(0)[0].detach();
  outputs.edges(0)[0].attach(bench.config(Spread::kHash), bench.senders(3));
  const auto after = bench.receive(outputs, [](const auto& got) { return got.ends == 3; });
  BOOST_TEST(after.rows == 90u);
  for (const std::size_t rows : after.rows_of) BOOST_TEST(rows > 0u);
  BOOST_TEST(after.barriers == 0u);
  BOOST_TEST(outputs.counters().records == 100u);
}

BOOST_AUTO_TEST_CASE(released_it_goes_the_way_it_would_have_gone) {
  Bench bench;
  Outputs outputs = of(OutputEdge(bench.config(Spread::kForward), bench.senders(1)));
  outputs.add_marker(marker(FrameKind::kBarrier));
  outputs.hold(std::vector<std::uint32_t>{0});
  BOOST_TEST(outputs.add(0, bench.rows(0, 50)).ok());
  outputs.add_marker(marker(FrameKind::kEnd));
  outputs.release();
  BOOST_TEST(bench.receive(outputs, [](const auto& got) { return got.ends == 1; }).rows == 50u);
  BOOST_TEST(outputs.queued_bytes() == 0u);
}

BOOST_AUTO_TEST_CASE(new_receivers_hear_of_event_time_and_of_an_end_that_was_before_the_barrier) {
  Bench bench;
  Outputs outputs = of(OutputEdge(bench.config(Spread::kForward), bench.senders(1)));
  outputs.set_watermark(77, false);
  outputs.add_marker(marker(FrameKind::kEnd));
  outputs.add_marker(marker(FrameKind::kBarrier));
  outputs.hold(std::vector<std::uint32_t>{0});
  bench.receive(outputs, [](const auto& got) { return got.barriers == 1; });
  outputs.edges(0)[0].detach();
  outputs.edges(0)[0].attach(bench.config(Spread::kHash), bench.senders(2));
  BOOST_TEST(bench.receive(outputs, [](const auto& got) { return got.ends == 2; }).rows == 0u);
  // One that has not ended goes on with the watermark there is.
  Outputs others = of(OutputEdge(bench.config(Spread::kForward), bench.senders(1)));
  others.set_watermark(77, false);
  others.add_marker(marker(FrameKind::kBarrier));
  others.hold(std::vector<std::uint32_t>{3});
  bench.receive(others, [](const auto& got) { return got.barriers == 1; });
  others.edges(0)[0].detach();
  others.edges(0)[0].attach(bench.config(Spread::kHash), bench.senders(2));
  const auto told = bench.receive(others, [](const auto& got) {
    return got.watermark_of == std::vector<Microseconds>{77, 77};
  });
  BOOST_TEST(told.rows == 0u);
}

BOOST_AUTO_TEST_CASE(what_waits_fills_a_queue_like_any_other) {
  Bench bench;
  Outputs outputs = of(OutputEdge(bench.config(Spread::kForward), bench.senders(1)));
  outputs.hold(std::vector<std::uint32_t>{0});
  while (!outputs.full() && outputs.queued_bytes() < (4U << 20)) BOOST_TEST(outputs.add(0, bench.rows(0, 10'000)).ok());
  BOOST_TEST(outputs.full());
  BOOST_TEST(outputs.queued_bytes() < (2U << 20));
}

// Rows that a slow receiver will not come to for long are not made yet, and a barrier is not behind them.
BOOST_AUTO_TEST_CASE(for_a_slow_receiver_little_is_made_and_little_waits) {
  Bench bench;
  Outputs outputs = of(OutputEdge(bench.config(Spread::kForward), bench.senders(1)));
  BOOST_TEST(outputs.rows_wanted() == 256U);  // nobody knows yet
  Microseconds now = system_clock().monotonic_us();
  const Microseconds deadline = now + 30'000'000;
  // 10 ms a row: a window of 100 ms is worth ten of them.
  const auto receive_until = [&](const std::function<bool()>& done) {
    for (; !done() && system_clock().monotonic_us() < deadline; now += 10'000) {
      BOOST_TEST_REQUIRE(outputs.pump(now, false).ok());
      const auto frame = bench.receivers[0].receive();
      BOOST_TEST_REQUIRE(frame.ok());
      if (!*frame || (*frame)->header.kind != FrameKind::kData) continue;
      now += static_cast<Microseconds>((*frame)->batch.rows) * 10'000;
      BOOST_TEST_REQUIRE(bench.receivers[0].consumed((*frame)->size_bytes).ok());
      BOOST_TEST_REQUIRE(bench.receivers[0].flush_credits().ok());
    }
    BOOST_TEST(done());
  };
  BOOST_TEST(outputs.add(0, bench.rows(0, 2'000)).ok());
  receive_until([&] { return outputs.counters().records > 0 && outputs.rows_wanted() < 256U; });
  receive_until([&] { return outputs.queued_bytes() == 0; });
  while (!outputs.full()) {
    BOOST_TEST(outputs.add(0, bench.rows(0, static_cast<std::int64_t>(outputs.rows_wanted()))).ok());
  }
  BOOST_TEST(outputs.queued_bytes() <= 8U * 1024);
}

// With the rows it is about; where none wait, alone and to one receiver.
BOOST_AUTO_TEST_CASE(a_mark_goes_behind_the_rows_it_is_about) {
  Bench bench;
  std::vector<OutputEdge> edges;
  edges.emplace_back(bench.config(Spread::kBroadcast), bench.senders(2));
  std::vector<std::vector<OutputEdge>> all;
  all.push_back(std::move(edges));
  Outputs outputs(std::move(all));
  std::map<std::size_t, std::vector<std::pair<std::uint32_t, Microseconds>>> got;  // rows and mark of each frame
  const auto receive = [&](std::size_t frames) {
    const Microseconds deadline = system_clock().monotonic_us() + 5'000'000;
    std::size_t seen = 0;
    while (seen < frames && system_clock().monotonic_us() < deadline) {
      BOOST_TEST_REQUIRE(outputs.pump(system_clock().monotonic_us(), true).ok());
      for (std::size_t i = 0; i < bench.receivers.size(); ++i) {
        auto received = bench.receivers[i].receive();
        BOOST_TEST_REQUIRE(received.ok());
        if (!*received || (*received)->header.kind == FrameKind::kOpen) continue;
        got[i].emplace_back((*received)->header.rows, (*received)->header.origin_us);
        ++seen;
      }
    }
    BOOST_TEST(seen == frames);
  };
  BOOST_TEST_REQUIRE(outputs.add(0, bench.rows(0, 3)).ok());
  outputs.mark(111);
  outputs.mark(222);  // the first of those that go together stays
  receive(2);
  BOOST_TEST_REQUIRE(outputs.add(0, bench.rows(0, 2)).ok());
  receive(2);
  outputs.mark(333);
  receive(1);
  std::size_t alone = 0;
  for (std::size_t i = 0; i < 2; ++i) {
    BOOST_TEST_REQUIRE(got[i].size() >= 2U);
    BOOST_TEST(got[i][0].first == 3U);
    BOOST_TEST(got[i][0].second == 111);
    BOOST_TEST(got[i][1].second == 0);
    if (got[i].size() > 2) ++alone;
    if (got[i].size() > 2) BOOST_TEST(got[i][2].second == 333);
  }
  BOOST_TEST(alone == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
