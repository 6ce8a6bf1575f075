#include "transport/control.h"

#include <zmq.h>

namespace stream {
namespace {

constexpr std::size_t kMessageMax = 64 << 20;  // the longest lists the files a stage restores from

std::string text_of(const Buffer& buffer) { return {buffer.as<char>(), buffer.size()}; }

}  // namespace

Result<ControlClient> ControlClient::connect(Transport& transport, const std::string& endpoint,
                                             const std::string& identity) {
  ControlClient client;
  client.socket_ = Socket(transport, ZMQ_DEALER, true);
  if (!client.socket_.open()) return Status(Code::kSystem, "unable to make a control socket");
  zmq_setsockopt(client.socket_.handle(), ZMQ_ROUTING_ID, identity.data(), identity.size());
  // Not -1: a socket that never reconnects drops what it has received and nobody has read yet when
  // the other end goes, and the last word of a supervisor is an answer somebody waits for.
  client.socket_.set(ZMQ_RECONNECT_IVL, 3'600'000);
  client.socket_.set(ZMQ_LINGER, 1000);  // the last word, why an instance ends, should arrive
  if (endpoint.starts_with("tcp://")) {
    if (transport.keys()) client.socket_.encrypt(Socket::Side::kConnects, *transport.keys());
    client.socket_.watch(transport.silence());
  }
  STREAM_TRY(client.socket_.connect(endpoint));
  return client;
}

Status ControlClient::send(const std::string& text) {
  STREAM_ASSIGN(const bool sent, socket_.send(text.data(), text.size()));
  return sent ? Status() : Status(Code::kPeerGone, "the supervisor does not read its messages");
}

Result<std::optional<std::string>> ControlClient::receive() {
  auto message = socket_.receive();
  if (!message.ok()) return std::move(message).status();
  if (*message) return std::optional<std::string>(text_of(**message));
  return std::optional<std::string>();
}

Result<ControlServer> ControlServer::bind(Transport& transport, const std::string& endpoint, bool counts_refused) {
  ControlServer server;
  server.socket_ = Socket(transport, ZMQ_ROUTER, counts_refused);
  if (!server.socket_.open()) return Status(Code::kSystem, "unable to make a control socket");
  server.socket_.set_message_max(kMessageMax);
  STREAM_TRY(server.socket_.bind(endpoint, &server.endpoint_));
  return server;
}

// What a socket is set to holds for the places it is bound to afterwards.
Result<std::string> ControlServer::bind_also(const Transport& transport, const std::string& endpoint) {
  STREAM_CHECK(transport.keys().has_value());
  socket_.encrypt(Socket::Side::kBinds, *transport.keys());
  socket_.watch(transport.silence());
  std::string bound;
  STREAM_TRY(socket_.bind(endpoint, &bound));
  return bound;
}

std::size_t ControlServer::take_refused() { return socket_.take_refused(); }

Status ControlServer::send(const std::string& identity, const std::string& text) {
  if (zmq_send(socket_.handle(), identity.data(), identity.size(), ZMQ_DONTWAIT | ZMQ_SNDMORE) < 0) return {};
  STREAM_ASSIGN(const bool sent, socket_.send(text.data(), text.size()));
  return sent ? Status() : Status(Code::kPeerGone, "'" + identity + "' does not read its messages");
}

// All parts have arrived with the first. Of a message that has not just two, nothing is kept.
Result<std::optional<ControlMessage>> ControlServer::receive() {
  for (;;) {
    auto identity = socket_.receive();
    if (!identity.ok()) return std::move(identity).status();
    if (!*identity) return std::optional<ControlMessage>();
    ControlMessage message{text_of(**identity), {}};
    std::size_t parts = 1;
    for (; socket_.more(); ++parts) {
      auto part = socket_.receive();
      if (!part.ok()) return std::move(part).status();
      if (*part && parts == 1) message.text = text_of(**part);
    }
    if (parts == 2) return std::optional<ControlMessage>(std::move(message));
  }
}

}  // namespace stream
