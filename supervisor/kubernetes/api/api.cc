#include "supervisor/kubernetes/api/api.h"

#include <httplib.h>

#include <algorithm>
#include <cstdlib>

#include "transport/base/files.h"
#include "transport/base/text.h"

namespace stream::kubernetes {
namespace {

constexpr char kFolder[] = "/var/run/secrets/kubernetes.io/serviceaccount/";
constexpr std::size_t kSaidMost = 400;
constexpr Microseconds kIdleMost = 30'000'000;  // servers close connections that nobody uses: after 90s, as it is
constexpr std::size_t kLineMost = 8U << 20;     // of a watch

std::string variable(const char* name) {
  const char* text = std::getenv(name);
  return text == nullptr ? "" : text;
}

std::string text_of(const nlohmann::json& body) {
  return body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void be_patient(httplib::Client& client, Microseconds patience) {
  const auto seconds = patience / 1'000'000, rest = patience % 1'000'000;
  client.set_connection_timeout(seconds, rest);
  client.set_read_timeout(seconds, rest);
  client.set_write_timeout(seconds, rest);
}

}  // namespace

Result<ApiPlace> api_of_this_pod() {
  const std::string host = variable("KUBERNETES_SERVICE_HOST"), port = variable("KUBERNETES_SERVICE_PORT");
  if (host.empty() || port.empty())
    return failed(
        "this is no Pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set; elsewhere write "
        "kubernetes://HOST:PORT/NAMESPACE?token-file=/path&ca-file=/path");
  const std::string folder(kFolder);
  const auto space = system_files().read_file(folder + "namespace");
  if (!space.ok())
    return failed("this Pod has no token of a service account: " + space.status().what() +
                  "; it needs 'automountServiceAccountToken: true'");
  const bool six = host.find(':') != std::string::npos;
  return ApiPlace{.server = "https://" + (six ? "[" + host + "]" : host) + ":" + port,
                  .authority = folder + "ca.crt",
                  .token_file = folder + "token",
                  .space = std::string(trim(*space))};
}

std::string ApiAnswer::said() const {
  const std::string text = body.is_object() ? body.value("message", "") : "";
  return "it answers " + std::to_string(status) + (text.empty() ? "" : ": " + text.substr(0, kSaidMost));
}

Api::Api(ApiPlace place, Microseconds patience) : place_(std::move(place)), patience_(patience) {}
Api::~Api() = default;

std::string Api::path_of(const std::string& group, const std::string& kind) const {
  return "/" + group + "/namespaces/" + place_.space + "/" + kind;
}

std::unique_ptr<httplib::Client> Api::connection() {
  {
    const std::lock_guard lock(mutex_);
    const Microseconds usable = system_clock().monotonic_us() - kIdleMost;
    std::erase_if(idle_, [&](const Idle& idle) { return idle.since < usable; });
    if (!idle_.empty()) {
      auto idle = std::move(idle_.back().connection);
      idle_.pop_back();
      return idle;
    }
  }
  auto made = std::make_unique<httplib::Client>(place_.server, place_.cert_file, place_.key_file);
  be_patient(*made, patience_);
  made->set_keep_alive(true);
  made->set_tcp_nodelay(true);
  if (!place_.authority.empty()) made->set_ca_cert_path(place_.authority);
  return made;
}

void Api::keep(std::unique_ptr<httplib::Client> connection) {
  const std::lock_guard lock(mutex_);
  idle_.push_back({std::move(connection), system_clock().monotonic_us()});
}

Status Api::sign(httplib::Request& request) const {
  std::string token = place_.token;
  if (!place_.token_file.empty()) {
    const auto text = system_files().read_file(place_.token_file);
    if (!text.ok()) return {Code::kSystem, text.status().what()};
    token = trim(*text);
  }
  if (!token.empty()) request.set_header("Authorization", "Bearer " + token);
  return {};
}

Result<ApiAnswer> Api::send(httplib::Request& request) {
  request.set_header("Accept", "application/json");
  STREAM_TRY(sign(request));
  auto client = connection();
  const httplib::Result result = client->send(request);
  if (!result)  // its connection is not used again
    return Status(Code::kSystem, "'" + place_.server + "' does not answer: " + httplib::to_string(result.error()));
  ApiAnswer answer{result->status, nlohmann::json::parse(result->body, nullptr, false)};
  keep(std::move(client));
  return answer;
}

Result<ApiAnswer> Api::call(const std::string& method, const std::string& path, const nlohmann::json& body) {
  httplib::Request request;
  request.method = method;
  request.path = path;
  if (!body.is_null()) {
    request.set_header("Content-Type", method == "PATCH" ? "application/merge-patch+json" : "application/json");
    request.body = text_of(body);
  }
  return send(request);
}

Result<ApiAnswer> Api::apply(const std::string& path, const nlohmann::json& object, const std::string& manager) {
  httplib::Request request;
  request.method = "PATCH";
  request.path = path + "?force=true&fieldManager=" + manager;
  request.set_header("Content-Type", "application/apply-patch+yaml");
  request.body = text_of(object);
  return send(request);
}

Result<int> Api::follow(const std::string& path, const std::function<bool(const std::string&)>& line) {
  httplib::Request request;
  request.method = "GET";
  request.path = path;
  request.set_header("Accept", "application/json");
  STREAM_TRY(sign(request));
  std::string rest;
  bool enough = false;
  request.content_receiver = [&](const char* data, std::size_t size, auto&&...) {
    rest.append(data, size);
    for (std::size_t end = 0; !enough && (end = rest.find('\n')) != std::string::npos; rest.erase(0, end + 1))
      enough = !line(rest.substr(0, end));
    return !enough && rest.size() <= kLineMost;
  };
  const httplib::Result result = connection()->send(request);
  if (enough) return 200;
  if (!result)
    return Status(Code::kSystem, "'" + place_.server + "' does not answer: " + httplib::to_string(result.error()));
  return result->status;
}

Status status_of(const std::string& doing, const ApiAnswer& answer) {
  const std::string what = "unable to " + doing + ": " + answer.said();
  if (answer.status == 404) return {Code::kNotFound, what};
  if (answer.status == 401)
    return failed(what + "; the token or certificate that was shown is not one of this cluster, or has expired");
  if (answer.status == 403)
    return failed(what + "; a Role must allow it, such as 'stream deploy --on kubernetes --render' prints");
  if (answer.status == 409 || answer.status == 429 || answer.status >= 500) return {Code::kSystem, what};
  return failed(what);
}

}  // namespace stream::kubernetes
