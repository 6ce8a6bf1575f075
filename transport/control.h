// The control connection of an instance to its supervisor: JSON texts over DEALER and ROUTER.
// Messages and their order: stream-checkpoint(7). Nothing here blocks.
#pragma once

#include <optional>
#include <string>

#include "transport/channel.h"

namespace stream {

class ControlClient {
 public:
  // `identity` is unique within a supervisor: "STAGE.INSTANCE.ATTEMPT".
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
  static Result<ControlServer> bind(Transport& transport, const std::string& endpoint);

  const std::string& endpoint() const { return endpoint_; }
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
