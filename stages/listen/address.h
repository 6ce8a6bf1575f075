// Where to listen, and for what: "tcp://HOST:PORT", "udp://…", "syslog+tcp://…", "syslog+udp://…",
// "http://HOST:PORT/PATH".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "transport/base/status.h"

namespace stream::listen {

enum class Protocol : std::uint8_t { kTcp, kUdp, kHttp };

struct Address {
  Protocol protocol = Protocol::kTcp;
  bool syslog = false;
  std::string host;  // as getaddrinfo() takes it; never empty
  std::uint16_t port = 0;
  std::string path = "/";  // of HTTP

  friend bool operator==(const Address&, const Address&) = default;
};

// An IPv6 address stands in brackets. Errors: kUsage, saying what is wrong.
Result<Address> parse_address(std::string_view text);

}  // namespace stream::listen
