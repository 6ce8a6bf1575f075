#include "supervisor/kubernetes/pod/sockets.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

namespace stream::kubernetes {
namespace {

constexpr int kTryAgainMs = 200;

struct Found {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};
using Address = std::unique_ptr<addrinfo, Found>;

Result<Address> address_of(const std::string& number, const std::string& port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(number.c_str(), port.c_str(), &hints, &found); error != 0)
    return failed("'" + number + "' is no number of a host: " + ::gai_strerror(error));
  return Address(found);
}

std::string text_of(const sockaddr_storage& address, socklen_t size) {
  char host[NI_MAXHOST], port[NI_MAXSERV];
  const int error = ::getnameinfo(reinterpret_cast<const sockaddr*>(&address), size, host, sizeof host, port,
                                  sizeof port, NI_NUMERICHOST | NI_NUMERICSERV);
  return error == 0 ? std::string(host) + " " + port : "";
}

// A host that is gone without a word is noticed.
void keep_alive(int socket) {
  const int yes = 1;
  ::setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof yes);
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}

}  // namespace

Result<int> listen_at(const std::string& number) {
  STREAM_ASSIGN(const Address address, address_of(number, "0"));
  const int fd = ::socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return system_error("listen at", number, errno);
  if (::bind(fd, address->ai_addr, address->ai_addrlen) == 0 && ::listen(fd, 8) == 0) return fd;
  const int error = errno;
  ::close(fd);
  return system_error("listen at", number, error);
}

std::string own_end(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  return ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) == 0 ? text_of(address, size) : "";
}

std::string other_end(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  return ::getpeername(socket, reinterpret_cast<sockaddr*>(&address), &size) == 0 ? text_of(address, size) : "";
}

Result<int> connect_to(const std::string& end, Microseconds patience) {
  const std::size_t space = end.find(' ');
  if (space == std::string::npos) return failed("'" + end + "' is no address of a supervisor");
  STREAM_ASSIGN(const Address address, address_of(end.substr(0, space), end.substr(space + 1)));
  const Microseconds until = system_clock().monotonic_us() + patience;
  for (;;) {
    const int fd = ::socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return system_error("connect to", end, errno);
    if (::connect(fd, address->ai_addr, address->ai_addrlen) == 0) {
      keep_alive(fd);
      return fd;
    }
    const int error = errno;
    ::close(fd);
    if (system_clock().monotonic_us() >= until)
      return Status(Code::kSystem, system_error("connect to", end, error).what());
    ::poll(nullptr, 0, kTryAgainMs);
  }
}

}  // namespace stream::kubernetes
