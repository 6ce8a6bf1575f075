#include "transport/base/own_addresses.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace stream {

std::vector<std::string> own_addresses() {
  std::vector<std::string> found;
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0) return found;
  for (const ifaddrs* one = all; one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr || (one->ifa_flags & IFF_LOOPBACK) != 0) continue;
    const void* address = nullptr;
    if (one->ifa_addr->sa_family == AF_INET)
      address = &reinterpret_cast<const sockaddr_in*>(one->ifa_addr)->sin_addr;
    else if (one->ifa_addr->sa_family == AF_INET6)
      address = &reinterpret_cast<const sockaddr_in6*>(one->ifa_addr)->sin6_addr;
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (address != nullptr && ::inet_ntop(one->ifa_addr->sa_family, address, text.data(), text.size()) != nullptr)
      found.emplace_back(text.data());
  }
  ::freeifaddrs(all);
  return found;
}

Result<std::string> own_address_towards(const std::string& other) {
  sockaddr_in there{};
  there.sin_family = AF_INET;
  there.sin_port = htons(9);
  ::inet_pton(AF_INET, other.c_str(), &there.sin_addr);
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_in here{};
  socklen_t size = sizeof here;
  const bool known = fd >= 0 && ::connect(fd, reinterpret_cast<const sockaddr*>(&there), sizeof there) == 0 &&
                     ::getsockname(fd, reinterpret_cast<sockaddr*>(&here), &size) == 0;
  const int error = errno;
  if (fd >= 0) ::close(fd);
  if (!known) return system_error("reach", other, error);
  char text[INET_ADDRSTRLEN] = {};
  ::inet_ntop(AF_INET, &here.sin_addr, text, sizeof text);
  return std::string(text);
}

}  // namespace stream
