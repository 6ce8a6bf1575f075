#include "transport/control.h"

#include <zmq.h>

#include <boost/test/unit_test.hpp>

using namespace stream;

namespace {

void send_parts(const Socket& socket, const std::vector<std::string>& parts) {
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const int more = i + 1 < parts.size() ? ZMQ_SNDMORE : 0;
    BOOST_TEST_REQUIRE(zmq_send(socket.handle(), parts[i].data(), parts[i].size(), more) >= 0);
  }
}

ControlMessage next(ControlServer& server) {
  for (;;) {
    auto message = server.receive();
    BOOST_TEST_REQUIRE(message.ok(), message.status().what());
    if (*message) return **message;
    Poller poller;
    poller.add(server.socket().handle());
    BOOST_TEST_REQUIRE(poller.wait(5'000'000).ok());
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(control)

BOOST_AUTO_TEST_CASE(texts_travel_both_ways) {
  Transport transport;
  ControlServer server = *ControlServer::bind(transport, "ipc:///tmp/stream-control-test");
  ControlClient client = *ControlClient::connect(transport, server.endpoint(), "totals.0.1");
  BOOST_TEST(client.send("hello").ok());
  const ControlMessage hello = next(server);
  BOOST_TEST(hello.identity == "totals.0.1");
  BOOST_TEST(hello.text == "hello");
  BOOST_TEST(server.send(hello.identity, "answer").ok());
  for (;;) {
    const auto answer = client.receive();
    BOOST_TEST_REQUIRE(answer.ok());
    if (*answer) {
      BOOST_TEST(**answer == "answer");
      break;
    }
    Poller poller;
    poller.add(client.socket().handle());
    BOOST_TEST_REQUIRE(poller.wait(5'000'000).ok());
  }
}

BOOST_AUTO_TEST_CASE(a_message_with_more_parts_than_a_text_is_dropped) {
  Transport transport;
  ControlServer server = *ControlServer::bind(transport, "ipc:///tmp/stream-control-test");
  ControlClient client = *ControlClient::connect(transport, server.endpoint(), "totals.0.1");
  for (int round = 0; round < 3; ++round) {
    send_parts(client.socket(), {"", "request"});
    send_parts(client.socket(), {"one", "two", "three", ""});
    send_parts(client.socket(), {"text " + std::to_string(round)});
  }
  for (int round = 0; round < 3; ++round) {
    const ControlMessage message = next(server);
    BOOST_TEST(message.identity == "totals.0.1");
    BOOST_TEST(message.text == "text " + std::to_string(round));
  }
}

BOOST_AUTO_TEST_SUITE_END()
