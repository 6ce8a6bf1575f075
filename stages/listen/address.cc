#include "stages/listen/address.h"

#include <charconv>

#include "transport/base/text.h"

namespace stream::listen {
namespace {

struct Scheme {
  std::string_view name;
  Protocol protocol;
  bool syslog;
};

constexpr Scheme kSchemes[] = {{"tcp", Protocol::kTcp, false},
                               {"udp", Protocol::kUdp, false},
                               {"http", Protocol::kHttp, false},
                               {"syslog+tcp", Protocol::kTcp, true},
                               {"syslog+udp", Protocol::kUdp, true}};

const Scheme* find_scheme(std::string_view name) {
  for (const Scheme& scheme : kSchemes) {
    if (scheme.name == name) return &scheme;
  }
  return nullptr;
}

Status wrong(std::string_view text, std::string what) {
  return usage_error("'" + std::string(text) + "': " + std::move(what));
}

}  // namespace

Result<Address> parse_address(std::string_view text) {
  const std::size_t mark = text.find("://");
  const Scheme* scheme = mark == std::string_view::npos ? nullptr : find_scheme(text.substr(0, mark));
  if (scheme == nullptr) {
    return wrong(text, "an address begins with tcp://, udp://, http://, syslog+tcp:// or syslog+udp://");
  }
  Address address{scheme->protocol, scheme->syslog, {}, 0};
  std::string_view rest = text.substr(mark + 3);
  if (const std::size_t slash = rest.find('/'); slash != std::string_view::npos) {
    if (scheme->protocol != Protocol::kHttp) return wrong(text, "only http:// has a path");
    address.path = rest.substr(slash);
    rest = rest.substr(0, slash);
  }
  const std::size_t colon = rest.rfind(':');
  if (colon == std::string_view::npos) return wrong(text, "the port is missing, as in tcp://127.0.0.1:9000");
  const std::string_view port = rest.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (error != std::errc() || end != port.data() + port.size() || address.port == 0) {
    return wrong(text, "the port is a number from 1 to 65535");
  }
  std::string_view host = rest.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host.empty()) return wrong(text, "the host is missing: 127.0.0.1 for this machine alone, 0.0.0.0 for all");
  address.host = host;
  return address;
}

}  // namespace stream::listen
