#include "supervisor/http/address.h"

#include "transport/base/text.h"

namespace stream::http {

Result<ServerSettings> parse_address(const std::string& text) {
  ServerSettings settings;
  const Status wrong =
      usage_error("'" + text + "' is no address to listen at; one is 127.0.0.1:8081, [::1]:8081 or 8081");
  const std::size_t colon = text.rfind(':');
  const bool port_only = colon == std::string::npos;
  const auto port = parse_integer(port_only ? text : text.substr(colon + 1));
  if (!port.ok() || *port < 0 || *port > 65535) return wrong;
  settings.port = static_cast<int>(*port);
  if (port_only) return settings;
  std::string host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']'))
    host = host.substr(1, host.size() - 2);
  else if (host.find(':') != std::string::npos)
    return wrong;
  settings.host = host.empty() || host == "*" ? "0.0.0.0" : host;
  return settings;
}

bool is_loopback(const std::string& host) {
  return host == "localhost" || host == "::1" ||
         (host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string::npos);
}

std::string address_text(const std::string& host, int port) {
  return (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" + std::to_string(port);
}

}  // namespace stream::http
