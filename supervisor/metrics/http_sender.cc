#include "supervisor/metrics/http_sender.h"

#include <httplib.h>

#include "supervisor/metrics/reporter.h"

namespace stream::metrics {
namespace {

constexpr std::size_t kQuoted = 200;

}  // namespace

HttpSender::HttpSender(const Url& url, const HttpHeaders& headers, const std::string& authority)
    : url_(url), headers_(headers), client_(std::make_unique<httplib::Client>(url.server)) {
  client_->set_connection_timeout(kDeliveryMax / 2'000'000, (kDeliveryMax / 2) % 1'000'000);
  client_->set_read_timeout(kDeliveryMax / 1'000'000, 0);
  client_->set_write_timeout(kDeliveryMax / 1'000'000, 0);
  client_->set_keep_alive(true);
  client_->set_tcp_nodelay(true);
  if (!authority.empty()) client_->set_ca_cert_path(authority.c_str());
}

HttpSender::~HttpSender() = default;

void HttpSender::use_password(const std::string& user, const std::string& password) {
  client_->set_basic_auth(user.c_str(), password.c_str());
}

Status HttpSender::send(const HttpRequest& request) {
  httplib::Request out;
  out.method = request.method;
  out.path = url_.path + request.path;
  out.headers.insert(headers_.begin(), headers_.end());
  if (!request.type.empty()) out.set_header("Content-Type", request.type);
  out.body = request.body;
  const httplib::Result result = client_->send(out);
  const std::string where = "'" + url_.server + url_.path + request.path.substr(0, request.path.find('?')) + "'";
  if (!result) return {Code::kSystem, "unable to send to " + where + ": " + httplib::to_string(result.error())};
  if (result->status >= 200 && result->status < 300) return {};
  std::string said = result->body.substr(0, kQuoted);
  for (char& c : said) {
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
  }
  return {Code::kSystem, "unable to send to " + where + ": it answers " + std::to_string(result->status) +
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
