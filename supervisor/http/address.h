// Where a server listens.
#pragma once

#include <string>

#include "transport/base/status.h"

namespace stream::http {

struct ServerSettings {
  std::string host = "127.0.0.1";
  int port = 8081;               // 0 = any free one
  std::string certificate = {};  // PEM file of a chain; "" = no TLS
  std::string key = {};
};

// "127.0.0.1:8081", "[::1]:8081", ":8081" (every address), "8081" (loopback). Errors: kUsage.
Result<ServerSettings> parse_address(const std::string& text);
bool is_loopback(const std::string& host);
std::string address_text(const std::string& host, int port);

}  // namespace stream::http
