#include "supervisor/metrics/http_sender.h"

namespace stream::metrics {
namespace {

constexpr std::size_t kQuoted = 200;

}  // namespace

Status HttpSender::connect() {
  STREAM_ASSIGN(const HttpParts* parts, http_parts());
  client_ = parts->make_client(url_.server, authority_);
  if (!user_.empty()) client_->use_password(user_, password_);
  return {};
}

Status HttpSender::send(HttpRequest request) {
  if (!client_) STREAM_TRY(connect());
  request.path = url_.path + request.path;
  const std::string where = "'" + url_.server + request.path.substr(0, request.path.find('?')) + "'";
  const auto reply = client_->send(request, headers_);
  if (!reply.ok()) return {Code::kSystem, "unable to send to " + where + ": " + reply.status().what()};
  if (reply->status >= 200 && reply->status < 300) return {};
  std::string said = reply->body.substr(0, kQuoted);
  for (char& c : said) {
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
  }
  return {Code::kSystem, "unable to send to " + where + ": it answers " + std::to_string(reply->status) +
                             (said.empty() ? "" : ": " + said)};
}

std::string url_encoded(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("-_.~").find(c) != std::string_view::npos;
    if (plain) {
      out += c;
      continue;
    }
    out += '%';
    out += kDigits[static_cast<unsigned char>(c) >> 4];
    out += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

}  // namespace stream::metrics
