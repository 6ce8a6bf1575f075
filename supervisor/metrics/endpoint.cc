#include "supervisor/metrics/endpoint.h"

#include <httplib.h>

#include <cerrno>

namespace stream::metrics {
namespace {

constexpr std::size_t kThreads = 2;
constexpr std::size_t kBodyMax = 1 << 20;
constexpr int kPatienceSeconds = 5;

HttpQuestion question_of(const httplib::Request& request) {
  return {request.method, request.path, {request.params.begin(), request.params.end()}, request.body};
}

}  // namespace

HttpEndpoint::HttpEndpoint() : server_(std::make_unique<httplib::Server>()) {
  server_->new_task_queue = [] { return new httplib::ThreadPool(kThreads); };
  server_->set_payload_max_length(kBodyMax);
  server_->set_read_timeout(kPatienceSeconds);
  server_->set_write_timeout(kPatienceSeconds);
  server_->set_keep_alive_timeout(1);  // a connection that says nothing holds one of the threads
  server_->set_tcp_nodelay(true);
  // Else a port in use is shared with whoever has it.
  server_->set_socket_options([](socket_t socket) {
    const int yes = 1;
    ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  });
}

HttpEndpoint::~HttpEndpoint() {
  server_->stop();
  if (thread_.joinable()) thread_.join();
}

Status HttpEndpoint::listen(const ListenAddress& address, Answer answer) {
  const auto handler = [answer = std::move(answer)](const httplib::Request& request, httplib::Response& response) {
    HttpAnswer reply = answer(question_of(request));
    response.status = reply.status;
    response.set_content(std::move(reply.body), reply.type);
  };
  server_->Get(".*", handler);
  server_->Post(".*", handler);
  int port = address.first;
  while (!server_->bind_to_port(address.host, port)) {
    if (port++ >= address.last)
      return system_error("listen at", address.host + ":" + std::to_string(address.last), errno);
  }
  thread_ = std::thread([this] { server_->listen_after_bind(); });
  while (!server_->is_running()) std::this_thread::yield();  // before that it could not be stopped
  port_ = port;
  return {};
}

}  // namespace stream::metrics
