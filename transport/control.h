// The control connection of an instance to its supervisor: JSON texts over DEALER and ROUTER.
// Messages and their order: stream-checkpoint(7). Nothing here blocks.
#pragma once

#include <optional>
#include <string>

#include "transport/channel.h"

namespace stream {

class ControlClient {
 public:
  // `identity` is unique within a supervisor: "STAGE.INSTANCE.ATTEMPT". Over tcp with the key of `transport`.
  static Result<ControlClient> connect(Transport& transport, const std::string& endpoint, const std::string& identity);

  // A supervisor that reads no more is lost: kPeerGone.
  Status send(const std::string& text);
  Result<std::optional<std::string>> receive();
  bool lost() { return socket_.connection_lost(); }
  Socket& socket() { return socket_; }

 private:
  Socket socket_;
};

struct ControlMessage {
  std::string identity;
  std::string text;
};

class ControlServer {
 public:
  // `counts_refused`: take_refused() is called now and then.
  static Result<ControlServer> bind(Transport& transport, const std::string& endpoint, bool counts_refused = false);

  const std::string& endpoint() const { return endpoint_; }
  // Listens here as well, for holders of the key of `transport` alone; returns where. Errors: kSystem.
  Result<std::string> bind_also(const Transport& transport, const std::string& endpoint);
  // How many were turned away since the last call, as they did not have it.
  std::size_t take_refused();
  // A message to an instance that is gone is dropped: its death is noticed elsewhere.
  Status send(const std::string& identity, const std::string& text);
  // Drops what is no message: anybody who may connect can send anything.
  Result<std::optional<ControlMessage>> receive();
  Socket& socket() { return socket_; }

 private:
  Socket socket_;
  std::string endpoint_;
};

}  // namespace stream
