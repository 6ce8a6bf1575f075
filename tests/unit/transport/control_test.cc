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

namespace {

// Whether the client gets a text through, or is turned away.
bool gets_in(ControlServer& server, ControlClient& client) {
  BOOST_TEST(client.send("let me in").ok());
  for (int i = 0; i < 500; ++i) {
    auto message = server.receive();
    BOOST_TEST_REQUIRE(message.ok());
    if (*message) return (*message)->text == "let me in";
    if (server.take_refused() > 0) return false;
    Poller poller;
    poller.add(server.socket().handle());
    poller.add(server.socket().monitor());
    BOOST_TEST_REQUIRE(poller.wait(10'000).ok());
  }
  return false;
}

}  // namespace

BOOST_AUTO_TEST_CASE(over_tcp_only_holders_of_the_key_get_in_and_beside_it_the_local_door_stays_open) {
  Transport here;
  const CurveKeys keys = *make_curve_keys();
  here.encrypt_tcp(keys);
  ControlServer server = *ControlServer::bind(here, "ipc:///tmp/stream-control-key-test", true);
  const std::string door = *server.bind_also(here, any_port("127.0.0.1"));
  ControlClient local = *ControlClient::connect(here, server.endpoint(), "local.0.1");
  BOOST_TEST(gets_in(server, local));
  Transport friends;
  friends.encrypt_tcp(*curve_keys(keys.secret));
  ControlClient with_key = *ControlClient::connect(friends, door, "far.0.1");
  BOOST_TEST(gets_in(server, with_key));
  Transport strangers;
  strangers.encrypt_tcp(*make_curve_keys());
  ControlClient other_key = *ControlClient::connect(strangers, door, "far.0.1");
  BOOST_TEST(!gets_in(server, other_key));
  Transport nobody;
  ControlClient no_key = *ControlClient::connect(nobody, door, "far.0.1");
  BOOST_TEST(!gets_in(server, no_key));
}

BOOST_AUTO_TEST_CASE(a_key_travels_as_text) {
  const CurveKeys keys = *make_curve_keys();
  BOOST_TEST((*secret_from_text(secret_to_text(keys.secret)) == keys.secret));
  BOOST_TEST(!secret_from_text("short").ok());
  BOOST_TEST(!secret_from_text(std::string(40, ' ')).ok());
}

BOOST_AUTO_TEST_SUITE_END()
