// Addresses and URLs as users write them. Errors: kUsage.
#pragma once

#include <string>

#include "transport/base/status.h"

namespace stream::metrics {

// "127.0.0.1:9249", "[::1]:9249-9260": a host and one port, or a range of which the first free one is taken.
struct ListenAddress {
  std::string host;
  int first = 0;
  int last = 0;
};
Result<ListenAddress> parse_listen_address(const std::string& text);

struct Address {
  std::string host;
  int port = 0;
};
Result<Address> parse_address(const std::string& text);  // "graphite.example:2003"

struct Url {
  std::string server;  // "https://host:port"
  std::string path;    // "" or "/api", without a slash behind
};
Result<Url> parse_url(const std::string& text);

}  // namespace stream::metrics
