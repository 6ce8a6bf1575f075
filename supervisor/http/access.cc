#include "supervisor/http/access.h"

#include "supervisor/http/address.h"
#include "supervisor/http/dispatch.h"
#include "supervisor/http/shapes.h"
#include "transport/base/text.h"

namespace stream::http {
namespace {

constexpr std::string_view kBearer = "Bearer ";

// Takes as long for what is nearly right as for anything else.
bool same(std::string_view one, std::string_view other) {
  unsigned different = one.size() != other.size();
  for (std::size_t i = 0; i < one.size() && i < other.size(); ++i)
    different |= static_cast<unsigned char>(one[i]) ^ static_cast<unsigned char>(other[i]);
  return different == 0;
}

// "localhost:8081" -> "localhost", "[::1]:8081" -> "::1"
std::string host_of(std::string_view text) {
  if (text.starts_with('[')) return std::string(text.substr(1, text.find(']') - 1));
  return lower(text.substr(0, text.find(':')));
}

std::string origin_host(const std::string& origin) {
  const std::size_t at = origin.find("://");
  return at == std::string::npos ? "" : origin.substr(at + 3);
}

bool changes(std::string_view method) { return method != "GET" && method != "HEAD"; }

std::optional<Answer> check_type(const Route& route, const Head& head) {
  if (!head.has_body) return std::nullopt;
  const std::string type = lower(trim(head.content_type.substr(0, head.content_type.find(';'))));
  if (route.body == kPlainText) {
    const bool known =
        type == "application/yaml" || type == "application/x-yaml" || type == "text/yaml" || type == "application/json";
    if (!known) return refuse(415, "a manifest is sent as Content-Type application/yaml or application/json");
  } else if (type != "application/json") {
    return refuse(415, "the body is to be sent as Content-Type application/json");
  }
  return std::nullopt;
}

}  // namespace

std::optional<Answer> Access::identify(const Head& head, Request& request, Role& role) const {
  if (tokens_.empty()) {
    role = Role::kAdmin;
    const std::string host = host_of(head.host);
    if (head.host.empty() || is_loopback(host) || host == host_of(address_)) return std::nullopt;
    return refuse(403, "this server needs no token and is called localhost, not '" + host + "'");
  }
  const bool bearer = head.authorization.starts_with(kBearer);
  const std::string hash = bearer ? sha256_of(trim(std::string_view(head.authorization).substr(kBearer.size()))) : "";
  const Token* found = nullptr;
  for (const Token& token : tokens_) {
    if (same(token.sha256, hash)) found = &token;
  }
  if (found == nullptr) {
    Answer answer = refuse(401, bearer ? "the token is not known here"
                                       : "a token is needed: send the header 'Authorization: Bearer TOKEN'");
    answer.headers.emplace_back("WWW-Authenticate", "Bearer");
    return answer;
  }
  request.who = found->name;
  role = found->role;
  return std::nullopt;
}

std::optional<Answer> Access::gate(const Head& head, Request& request) const {
  Role role = Role::kRead;
  if (auto refusal = identify(head, request, role)) return refusal;
  request.role = role;
  const auto target = parse_target(head.target);
  if (!target.ok()) return refuse(target.status());
  FoundRoute found = find_route(routes(), head.method, *target);
  if (found.route == nullptr) return std::move(found.refusal);
  if (role < found.route->role) {
    return refuse(403, "the token '" + request.who + "' has the role " + std::string(to_string(role)) + "; " +
                           std::string(found.route->method) + " " + std::string(found.route->path) + " needs " +
                           std::string(to_string(found.route->role)));
  }
  if (changes(head.method) && !head.origin.empty() && origin_host(head.origin) != head.host)
    return refuse(403, "a page of '" + head.origin + "' may not change anything here");
  return check_type(*found.route, head);
}

}  // namespace stream::http
