#include "supervisor/metrics/addresses.h"

#include "transport/base/text.h"

namespace stream::metrics {
namespace {

// Host without brackets, and what is behind the last colon; both empty if it is not of this form.
std::pair<std::string, std::string> halves(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0) return {};
  std::string host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return {std::move(host), text.substr(colon + 1)};
}

int port_of(const std::string& text) {
  const auto port = parse_integer(text);
  return port.ok() && *port >= 1 && *port <= 65'535 ? static_cast<int>(*port) : 0;
}

}  // namespace

Result<ListenAddress> parse_listen_address(const std::string& text) {
  const auto [host, rest] = halves(text);
  const std::vector<std::string> ports = split(rest, '-');
  const int first = port_of(ports.front());
  const int last = port_of(ports.back());
  if (host.empty() || ports.size() > 2 || first == 0 || last < first) {
    return usage_error("'" + text + "' is not of the form HOST:PORT or HOST:PORT-PORT, as 127.0.0.1:9249");
  }
  return ListenAddress{host, first, last};
}

Result<Address> parse_address(const std::string& text) {
  const auto [host, rest] = halves(text);
  const int port = port_of(rest);
  if (host.empty() || port == 0) return usage_error("'" + text + "' is not of the form HOST:PORT");
  return Address{host, port};
}

Result<Url> parse_url(const std::string& text) {
  const std::size_t scheme = text.find("://");
  const std::string_view kind = std::string_view(text).substr(0, scheme == std::string::npos ? 0 : scheme);
  if ((kind != "http" && kind != "https") || text.size() == scheme + 3) {
    return usage_error("'" + text + "' is not a URL that begins with http:// or https://");
  }
  if (text.find('@') != std::string::npos || text.find('?') != std::string::npos) {
    return usage_error("'" + text + "' must be a server and a path, without a user and without '?'");
  }
  const std::size_t slash = text.find('/', scheme + 3);
  Url url{text.substr(0, slash), slash == std::string::npos ? "" : text.substr(slash)};
  while (url.path.ends_with('/')) url.path.pop_back();
  return url;
}

}  // namespace stream::metrics
