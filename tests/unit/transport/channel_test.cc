#include "transport/channel.h"

#include <zmq.h>

#include <boost/test/unit_test.hpp>

using namespace stream;

namespace {

struct Pair {
  Transport transport;
  SchemaPtr schema = std::make_shared<const Schema>(*parse_schema("n bigint"));
  std::optional<Receiver> receiver;
  std::optional<Sender> sender;

  explicit Pair(const std::string& endpoint, std::uint64_t budget = 1 << 20) {
    receiver = *Receiver::bind(transport, endpoint, identity("sender"));
    sender = *Sender::connect(transport, receiver->endpoint(), identity("receiver"), budget);
    BOOST_TEST_REQUIRE(sender->open(*schema, 0).ok());
    const Received open = next();
    BOOST_TEST((open.header.kind == FrameKind::kOpen));
    BOOST_TEST((*schema_from_json(open.schema) == *schema));
    receiver->expect(schema);
  }

  static ChannelIdentity identity(const char* peer) { return {{}, Attempt(1), ChannelId(3), peer}; }

  Received next() {
    for (;;) {
      auto received = receiver->receive();
      BOOST_TEST_REQUIRE(received.ok(), received.status().what());
      if (*received) return std::move(**received);
      wait(receiver->socket());
    }
  }
  void wait(Socket& socket) const {
    Poller poller;
    poller.add(socket.handle());
    poller.add(socket.monitor());
    BOOST_TEST_REQUIRE(poller.wait(5'000'000).ok());
  }
  Batch batch(std::int64_t first, std::int64_t rows) const {
    BatchBuilder builder(schema);
    for (std::int64_t i = 0; i < rows; ++i) {
      builder.column(0).append(first + i);
      builder.end_row();
    }
    return builder.finish();
  }
  Status send(FrameKind kind, const Batch* data = nullptr) {
    FrameHeader header;
    header.kind = kind;
    return sender->send(header, data, 0);
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(channel)

BOOST_AUTO_TEST_CASE(rows_and_markers_arrive_in_order_over_ipc_and_tcp) {
  for (const char* endpoint : {"ipc:///tmp/stream-channel-test", "tcp://127.0.0.1:*"}) {
    Pair pair(endpoint);
    std::int64_t expected = 0;
    for (int i = 0; i < 20; ++i) {
      const Batch batch = pair.batch(expected, 100);
      expected += 100;
      BOOST_TEST_REQUIRE(pair.send(FrameKind::kData, &batch).ok());
      const Received received = pair.next();
      BOOST_TEST(received.batch.columns[0].value<std::int64_t>(99) == expected - 1);
      BOOST_TEST_REQUIRE(pair.receiver->consumed(received.size_bytes).ok());
    }
    BOOST_TEST_REQUIRE(pair.send(FrameKind::kEnd).ok());
    BOOST_TEST((pair.next().header.kind == FrameKind::kEnd));
    BOOST_TEST_REQUIRE(pair.receiver->acknowledge_end().ok());
    while (!pair.sender->closed()) {
      pair.wait(pair.sender->socket());
      BOOST_TEST_REQUIRE(pair.sender->service(1).ok());
    }
    BOOST_TEST(pair.sender->window().in_flight_bytes() == 0u);
  }
}

BOOST_AUTO_TEST_CASE(a_sender_without_credits_stops_at_its_window) {
  Pair pair("ipc:///tmp/stream-channel-test", 64 * 1024);
  const Batch batch = pair.batch(0, 1000);
  int sent = 0;
  for (; pair.sender->may_send(); ++sent) BOOST_TEST_REQUIRE(pair.send(FrameKind::kData, &batch).ok());
  BOOST_TEST(sent == 8);  // 8 KB frames fill 64 KiB
  for (int i = 0; i < sent; ++i) BOOST_TEST_REQUIRE(pair.receiver->consumed(pair.next().size_bytes).ok());
  BOOST_TEST_REQUIRE(pair.receiver->flush_credits().ok());
  while (!pair.sender->may_send()) {
    pair.wait(pair.sender->socket());
    BOOST_TEST_REQUIRE(pair.sender->service(1).ok());
  }
}

BOOST_AUTO_TEST_CASE(a_frame_that_is_missing_or_comes_twice_ends_the_channel) {
  for (const std::uint64_t number : {0, 2}) {  // 1 is due behind `open`
    Pair pair("ipc:///tmp/stream-channel-test");
    FrameHeader header;
    header.kind = FrameKind::kWatermark;
    header.attempt = Attempt(1);
    header.channel = ChannelId(3);
    header.sequence = Sequence(number);
    const std::string frame = encode_header(header);
    BOOST_TEST_REQUIRE(*pair.sender->socket().send(frame.data(), frame.size()));
    auto received = pair.receiver->receive();
    for (; received.ok(); received = pair.receiver->receive()) {
      BOOST_TEST_REQUIRE(!received->has_value(), "the frame was taken");
      pair.wait(pair.receiver->socket());  // also for news of the connection
    }
    BOOST_TEST((received.status().code() == Code::kPeerGone), received.status().what());
  }
}

BOOST_AUTO_TEST_CASE(a_connection_lost_before_the_end_is_an_error_after_the_last_frame) {
  Pair pair("ipc:///tmp/stream-channel-test");
  const Batch batch = pair.batch(0, 10);
  BOOST_TEST_REQUIRE(pair.send(FrameKind::kData, &batch).ok());
  BOOST_TEST(pair.next().batch.rows == 10u);
  pair.sender.reset();
  for (;;) {
    const auto received = pair.receiver->receive();
    if (!received.ok()) {
      BOOST_TEST((received.status().code() == Code::kPeerGone));
      break;
    }
    pair.wait(pair.receiver->socket());
  }
}

BOOST_AUTO_TEST_CASE(a_sender_that_goes_after_its_end_wakes_its_receiver_once) {
  Pair pair("ipc:///tmp/stream-channel-test");
  BOOST_TEST_REQUIRE(pair.send(FrameKind::kEnd).ok());
  BOOST_TEST((pair.next().header.kind == FrameKind::kEnd));
  BOOST_TEST_REQUIRE(!pair.receiver->socket().connection_lost());
  pair.sender.reset();
  zmq_pollitem_t monitor{pair.receiver->socket().monitor(), 0, ZMQ_POLLIN, 0};
  BOOST_TEST_REQUIRE(zmq_poll(&monitor, 1, 5'000) == 1);
  const auto received = pair.receiver->receive();
  BOOST_TEST((received.ok() && !*received));
  BOOST_TEST(zmq_poll(&monitor, 1, 0) == 0);
}

BOOST_AUTO_TEST_CASE(a_message_too_long_for_a_channel_costs_its_sender_the_connection) {
  Pair pair("ipc:///tmp/stream-channel-test");
  std::int64_t most = 0;
  std::size_t size = sizeof most;
  BOOST_TEST(zmq_getsockopt(pair.receiver->socket().handle(), ZMQ_MAXMSGSIZE, &most, &size) == 0);
  BOOST_TEST(most >= static_cast<std::int64_t>(kFrameHeaderSize + kFrameBodyMax));
  BOOST_TEST(most < static_cast<std::int64_t>(kFrameHeaderSize + kFrameBodyMax + 10'000));
  const std::string text(10'000, 'x');  // no credit is as long
  BOOST_TEST(*pair.receiver->socket().send(text.data(), text.size()));
  Status status;
  while (status.ok()) {
    pair.wait(pair.sender->socket());
    status = pair.sender->service(1);
  }
  BOOST_TEST((status.code() == Code::kPeerGone), status.what());
}

BOOST_AUTO_TEST_CASE(frames_of_another_attempt_are_refused_and_counted) {
  Transport transport;
  Receiver receiver =
      *Receiver::bind(transport, "ipc:///tmp/stream-channel-test", {{}, Attempt(2), ChannelId(3), "new"});
  Sender sender = *Sender::connect(transport, receiver.endpoint(), {{}, Attempt(1), ChannelId(3), "old"}, 1 << 20);
  BOOST_TEST_REQUIRE(sender.open(*parse_schema("n bigint"), 0).ok());
  while (receiver.refused_frames() == 0) {
    const auto received = receiver.receive();
    BOOST_TEST_REQUIRE((received.ok() && !*received));
    Poller poller;
    poller.add(receiver.socket().handle());
    BOOST_TEST_REQUIRE(poller.wait(5'000'000).ok());
  }
}

BOOST_AUTO_TEST_CASE(an_endpoint_that_cannot_be_bound_is_named) {
  Transport transport;
  const auto result = Receiver::bind(transport, "ipc:///nonexistent/folder/socket", {});
  BOOST_TEST_REQUIRE(!result.ok());
  BOOST_TEST(result.status().what() == "unable to bind 'ipc:///nonexistent/folder/socket': No such file or directory");
}

BOOST_AUTO_TEST_SUITE_END()
