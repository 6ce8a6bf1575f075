// Sending over TCP and UDP with time limits.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "supervisor/metrics/addresses.h"
#include "transport/base/clock.h"

namespace stream::metrics {

class Socket {
 public:
  Socket() = default;
  ~Socket() { close(); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  // SOCK_STREAM or SOCK_DGRAM. Errors: kSystem.
  Status connect(const Address& address, int type, Microseconds until);
  bool open() const { return fd_ >= 0; }
  bool peer_gone() const;  // of a stream
  Status send(std::string_view bytes, Microseconds until);
  void close();

 private:
  Status wait(short events, Microseconds until) const;

  int fd_ = -1;
  std::string name_;
};

// One connection, kept as long as it holds; made again with the next text.
class TcpSender {
 public:
  explicit TcpSender(Address address) : address_(std::move(address)) {}
  Status send(std::string_view text);

 private:
  Address address_;
  Socket socket_;
};

class UdpSender {
 public:
  explicit UdpSender(Address address) : address_(std::move(address)) {}
  Status send(const std::vector<std::string>& packets);

 private:
  Address address_;
  Socket socket_;
};

}  // namespace stream::metrics
