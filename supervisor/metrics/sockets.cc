#include "supervisor/metrics/sockets.h"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "supervisor/metrics/reporter.h"

namespace stream::metrics {
namespace {

Microseconds deadline() { return system_clock().monotonic_us() + kDeliveryMax; }

Status unable(const char* what, const std::string& name, int error) { return system_error(what, name, error); }

}  // namespace

Status Socket::connect(const Address& address, int type, Microseconds until) {
  close();
  name_ = address.host + ":" + std::to_string(address.port);
  addrinfo hints = {};
  hints.ai_socktype = type;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &found);
  if (error != 0) return {Code::kSystem, "unable to find '" + address.host + "': " + ::gai_strerror(error)};
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, ::freeaddrinfo);
  Status status;
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    fd_ = ::socket(one->ai_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, one->ai_protocol);
    if (fd_ < 0) return unable("connect to", name_, errno);
    if (::connect(fd_, one->ai_addr, one->ai_addrlen) == 0) return {};
    status = errno == EINPROGRESS ? wait(POLLOUT, until) : unable("connect to", name_, errno);
    int failure = 0;
    socklen_t size = sizeof failure;
    if (status.ok() && ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &failure, &size) == 0 && failure == 0) return {};
    if (status.ok()) status = unable("connect to", name_, failure);
    close();
  }
  return status;
}

void Socket::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

bool Socket::peer_gone() const {
  char byte = 0;
  const ssize_t n = ::recv(fd_, &byte, 1, MSG_DONTWAIT | MSG_PEEK);
  return n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK);
}

Status Socket::wait(short events, Microseconds until) const {
  pollfd one{fd_, events, 0};
  for (;;) {
    const Microseconds left = until - system_clock().monotonic_us();
    if (left <= 0) return {Code::kSystem, "unable to send to '" + name_ + "': it takes nothing in time"};
    const int n = ::poll(&one, 1, static_cast<int>(left / 1000 + 1));
    if (n > 0) return {};
    if (n < 0 && errno != EINTR) return unable("wait for", name_, errno);
  }
}

Status Socket::send(std::string_view bytes, Microseconds until) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(n));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      STREAM_TRY(wait(POLLOUT, until));
    } else if (errno != EINTR) {
      return unable("send to", name_, errno);
    }
  }
  return {};
}

Status TcpSender::send(std::string_view text) {
  const Microseconds until = deadline();
  if (socket_.open() && socket_.peer_gone()) socket_.close();
  if (!socket_.open()) STREAM_TRY(socket_.connect(address_, SOCK_STREAM, until));
  Status sent = socket_.send(text, until);
  if (!sent.ok()) socket_.close();  // half of a line may be there
  return sent;
}

Status UdpSender::send(const std::vector<std::string>& packets) {
  const Microseconds until = deadline();
  if (!socket_.open()) STREAM_TRY(socket_.connect(address_, SOCK_DGRAM, until));
  for (const std::string& packet : packets) {
    if (Status sent = socket_.send(packet, until); !sent.ok()) {
      socket_.close();
      return sent;
    }
  }
  return {};
}

}  // namespace stream::metrics
