#include "cli/remote/ask.h"

#include <httplib.h>

namespace stream {
namespace {

constexpr int kConnectSeconds = 10;
constexpr int kSilentSeconds = 60;  // the server says every ten that it is there
constexpr std::size_t kTextMax = 64U << 10;

RemoteAnswer::Failure failure_of(httplib::Error error) {
  switch (error) {
    case httplib::Error::Success:
    case httplib::Error::Canceled: return RemoteAnswer::Failure::kNone;
    case httplib::Error::Connection:
    case httplib::Error::BindIPAddress: return RemoteAnswer::Failure::kUnreachable;
    case httplib::Error::SSLConnection: return RemoteAnswer::Failure::kNoTls;
    case httplib::Error::SSLLoadingCerts: return RemoteAnswer::Failure::kAuthority;
    case httplib::Error::SSLServerVerification: return RemoteAnswer::Failure::kCertificate;
    default: return RemoteAnswer::Failure::kBroken;
  }
}

RemoteAnswer ask(const RemoteQuestion& question, const std::function<bool(std::string_view)>& take) {
  httplib::Client client(question.url);
  RemoteAnswer answer;
  if (!client.is_valid()) {
    answer.failure = RemoteAnswer::Failure::kAuthority;
    return answer;
  }
  client.set_connection_timeout(kConnectSeconds);
  client.set_read_timeout(kSilentSeconds);
  client.set_write_timeout(kSilentSeconds);
  client.set_tcp_nodelay(true);
  if (question.connecting) client.set_socket_options([&](socket_t socket) { question.connecting(socket); });
  if (!question.authority.empty()) client.set_ca_cert_path(question.authority.c_str());
  httplib::Request request;
  request.method = question.method;
  request.path = question.path;
  request.body = question.body;
  request.set_header("Content-Type", "application/json");
  if (!question.token.empty()) request.set_header("Authorization", "Bearer " + question.token);
  request.response_handler = [&](const httplib::Response& response) {
    answer.status = response.status;
    return true;
  };
  request.content_receiver = [&](const char* bytes, std::size_t size, std::uint64_t, std::uint64_t) {
    if (answer.status == 200) return take({bytes, size});
    answer.text.append(bytes, std::min(size, kTextMax - std::min(kTextMax, answer.text.size())));
    return true;
  };
  const httplib::Result result = client.send(request);
  answer.failure = failure_of(result.error());
  return answer;
}

}  // namespace
}  // namespace stream

extern "C" __attribute__((visibility("default"))) stream::AskRemote stream_ask_remote();
stream::AskRemote stream_ask_remote() { return &stream::ask; }
