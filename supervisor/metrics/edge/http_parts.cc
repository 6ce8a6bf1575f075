// What libstream-http.so is made of: the parts of http_parts.h, by httplib.
#include "supervisor/metrics/http_parts.h"

#include <httplib.h>

#include <cerrno>
#include <thread>

#include "supervisor/metrics/reporter.h"

namespace stream::metrics {
namespace {

constexpr std::size_t kThreads = 2;
constexpr std::size_t kBodyMax = 1 << 20;
constexpr int kPatienceSeconds = 5;

class Client final : public HttpClient {
 public:
  Client(const std::string& server, const std::string& authority) : client_(server) {
    client_.set_connection_timeout(kDeliveryMax / 2'000'000, (kDeliveryMax / 2) % 1'000'000);
    client_.set_read_timeout(kDeliveryMax / 1'000'000, 0);
    client_.set_write_timeout(kDeliveryMax / 1'000'000, 0);
    client_.set_keep_alive(true);
    client_.set_tcp_nodelay(true);
    if (!authority.empty()) client_.set_ca_cert_path(authority.c_str());
  }

  void use_password(const std::string& user, const std::string& password) override {
    client_.set_basic_auth(user.c_str(), password.c_str());
  }

  Result<HttpReply> send(const HttpRequest& request, const HttpHeaders& headers) override {
    httplib::Request out;
    out.method = request.method;
    out.path = request.path;
    out.headers.insert(headers.begin(), headers.end());
    if (!request.type.empty()) out.set_header("Content-Type", request.type);
    out.body = request.body;
    const httplib::Result result = client_.send(out);
    if (!result) return Status(Code::kSystem, httplib::to_string(result.error()));
    return HttpReply{result->status, result->body};
  }

 private:
  httplib::Client client_;
};

HttpQuestion question_of(const httplib::Request& request) {
  return {request.method, request.path, {request.params.begin(), request.params.end()}, request.body};
}

class Listener final : public HttpListener {
 public:
  explicit Listener(HttpAnswerer answerer) {
    server_.new_task_queue = [] { return new httplib::ThreadPool(kThreads); };
    server_.set_payload_max_length(kBodyMax);
    server_.set_read_timeout(kPatienceSeconds);
    server_.set_write_timeout(kPatienceSeconds);
    // A connection that says nothing holds one of the threads, and the end of the job until its time is over.
    server_.set_keep_alive_timeout(1);
    server_.set_keep_alive_max_count(1);
    server_.set_tcp_nodelay(true);
    // Else a port in use is shared with whoever has it.
    server_.set_socket_options([](socket_t socket) {
      const int yes = 1;
      ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    });
    const auto handler = [answer = std::move(answerer)](const httplib::Request& request, httplib::Response& response) {
      HttpAnswer reply = answer(question_of(request));
      response.status = reply.status;
      response.set_content(std::move(reply.body), reply.type);
    };
    server_.Get(".*", handler);
    server_.Post(".*", handler);
  }

  ~Listener() override {
    server_.stop();
    if (thread_.joinable()) thread_.join();
  }

  Status listen(const ListenAddress& address) {
    port_ = address.first;
    while (!server_.bind_to_port(address.host, port_)) {
      if (port_++ >= address.last)
        return system_error("listen at", address.host + ":" + std::to_string(address.last), errno);
    }
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::yield();  // before that it could not be stopped
    return {};
  }

  int port() const override { return port_; }

 private:
  httplib::Server server_;
  std::thread thread_;
  int port_ = 0;
};

std::unique_ptr<HttpClient> make_client(const std::string& server, const std::string& authority) {
  return std::make_unique<Client>(server, authority);
}

Result<std::unique_ptr<HttpListener>> listen_at(const ListenAddress& address, HttpAnswerer answerer) {
  auto listener = std::make_unique<Listener>(std::move(answerer));
  STREAM_TRY(listener->listen(address));
  return std::unique_ptr<HttpListener>(std::move(listener));
}

constexpr HttpParts kParts = {make_client, listen_at};

}  // namespace
}  // namespace stream::metrics

extern "C" __attribute__((visibility("default"))) const stream::metrics::HttpParts* stream_http_parts();
const stream::metrics::HttpParts* stream_http_parts() { return &stream::metrics::kParts; }
