#include "supervisor/http/server.h"

#include <fcntl.h>
#include <httplib.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "supervisor/http/connection.h"
#include "transport/base/text.h"

namespace stream::http {
namespace {

constexpr Microseconds kIdle = 15'000'000;  // between two requests of a connection
constexpr int kRequestsMax = 10'000;        // of one connection
constexpr int kBacklog = 1024;
constexpr std::size_t kChunkMarks = 1U << 20;  // bytes between the pieces of a body
constexpr std::string_view kCrowded =
    R"({"errors":["more clients are connected than this server answers; try again in a moment"]})";

// On the thread that accepts, while it runs what there is no room for.
thread_local bool refusing = false;

// Threads are started as they are needed, and stay.
class Crowd final : public httplib::TaskQueue {
 public:
  explicit Crowd(std::atomic<std::size_t>& waiting) : waiting_(waiting) {}

  void enqueue(std::function<void()> task) override {
    {
      const std::lock_guard lock(mutex_);
      if (tasks_.size() < kWaiting) {
        tasks_.push_back(std::move(task));
        waiting_ = tasks_.size();
        if (idle_ < tasks_.size() && threads_.size() < kAnswering) threads_.emplace_back([this] { run(); });
        changed_.notify_one();
        return;
      }
    }
    refusing = true;
    task();
    refusing = false;
  }

  void shutdown() override {
    {
      const std::lock_guard lock(mutex_);
      over_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    for (;;) {
      ++idle_;
      changed_.wait(lock, [this] { return over_ || !tasks_.empty(); });
      --idle_;
      if (tasks_.empty()) return;
      const std::function<void()> task = std::move(tasks_.front());
      tasks_.pop_front();
      waiting_ = tasks_.size();
      lock.unlock();
      task();
      lock.lock();
    }
  }

  std::atomic<std::size_t>& waiting_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;
  std::vector<std::thread> threads_;
  std::size_t idle_ = 0;
  bool over_ = false;
};

// Of the request that a thread answers.
struct Exchange {
  Connection* connection = nullptr;
  Request request = {};
  std::optional<Answer> refusal = {};
  bool close = false;
  std::optional<Answer> stream = {};  // an answer that does not end
};
thread_local Exchange* exchange = nullptr;

std::string text_of_status(int status) {
  switch (status) {
    case 413: return "the body is larger than " + format_size(kBodyMax) + ", the most that is taken";
    case 414: return "the address is too long";
    case 431: return "the head is larger than " + format_size(kHeadMax) + ", the most that is taken";
    case 416: return "ranges are not answered";
    default: return "the request is no HTTP/1.1 that can be understood";
  }
}

// Without a length: what follows ends with the connection.
std::string head_of(const Answer& answer) {
  std::string head = "HTTP/1.1 200 OK\r\nContent-Type: " + answer.type + "\r\nConnection: close\r\n";
  for (const auto& [name, value] : answer.headers) head.append(name).append(": ").append(value).append("\r\n");
  return head + "\r\n";
}

void put(const Answer& from, httplib::Response& to) {
  to.status = from.status;
  for (const auto& [name, value] : from.headers) to.set_header(name, value);
  to.set_content(from.text, from.type);
}

struct FreeTls {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using TlsContext = std::unique_ptr<SSL_CTX, FreeTls>;

Status tls_error(const std::string& what, const std::string& file) {
  const char* why = ERR_reason_error_string(ERR_get_error());
  return usage_error("unable to use " + what + " '" + file + "': " + (why == nullptr ? "it cannot be read" : why));
}

Result<TlsContext> make_tls(const ServerSettings& settings) {
  if (settings.certificate.empty()) return TlsContext();
  TlsContext context(SSL_CTX_new(TLS_server_method()));
  if (context == nullptr) return failed("OpenSSL has no TLS");
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  ERR_clear_error();
  if (SSL_CTX_use_certificate_chain_file(context.get(), settings.certificate.c_str()) != 1)
    return tls_error("certificate", settings.certificate);
  if (SSL_CTX_use_PrivateKey_file(context.get(), settings.key.c_str(), SSL_FILETYPE_PEM) != 1)
    return tls_error("key", settings.key);
  return context;
}

class HttplibServer final : public Server, private httplib::Server {
 public:
  HttplibServer(Talk talk, TlsContext tls) : talk_(std::move(talk)), tls_(std::move(tls)) {}

  ~HttplibServer() override {
    stopping_ = true;
    httplib::Server::stop();
    if (thread_.joinable()) thread_.join();
  }

  Status start(const ServerSettings& settings) {
    new_task_queue = [this] { return new Crowd(waiting_); };
    set_payload_max_length(kBodyMax);
    set_tcp_nodelay(true);
    // Without a handler nothing is compared with a pattern: what is let through arrives, whole, as a 404.
    set_pre_routing_handler([](const httplib::Request&, httplib::Response& out) {
      if (!exchange->refusal) return HandlerResponse::Unhandled;
      put(*exchange->refusal, out);
      return HandlerResponse::Handled;
    });
    set_error_handler([this](const httplib::Request& in, httplib::Response& out) { answer(in, out); });
    // httplib would share the port with any other server of this user, which then took half of the requests.
    set_socket_options([](socket_t socket) {
      const int yes = 1;
      ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    });
    errno = 0;
    port_ = settings.port == 0 ? bind_to_any_port(settings.host) : settings.port;
    if (port_ < 0 || (settings.port != 0 && !bind_to_port(settings.host, settings.port)))
      return system_error("listen at", address_text(settings.host, settings.port), errno == 0 ? EADDRNOTAVAIL : errno);
    ::listen(svr_sock_, kBacklog);  // httplib asks for 5
    thread_ = std::thread([this] { listen_after_bind(); });
    while (!is_running()) std::this_thread::yield();  // before that it could not be stopped
    return {};
  }

  int port() const override { return port_; }

 private:
  bool process_and_close_socket(socket_t socket) override {
    if (refusing) return refuse_crowd(socket);
    SSL* tls = nullptr;
    if (tls_ != nullptr) {
      tls = SSL_new(tls_.get());
      SSL_set_fd(tls, socket);
      ::fcntl(socket, F_SETFL, ::fcntl(socket, F_GETFL) | O_NONBLOCK);
    }
    auto connection = std::make_unique<Connection>(socket, tls, [this] { return waiting_ > 0 || stopping_; });
    if (!connection->shake_hands()) return false;
    std::optional<Answer> stream;
    const bool went = serve(*connection, stream);
    if (stream && connection->begin_stream(head_of(*stream))) stream->take_over(std::move(connection));
    return went;
  }

  bool refuse_crowd(socket_t socket) const {
    const std::string text =
        "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\nContent-Type: " + Answer().type +
        "\r\nContent-Length: " + std::to_string(kCrowded.size()) + "\r\n\r\n" + std::string(kCrowded);
    if (tls_ == nullptr) ::send(socket, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    ::shutdown(socket, SHUT_WR);
    ::close(socket);
    return false;
  }

  // Until it is over, or its last request is answered by a stream.
  bool serve(Connection& connection, std::optional<Answer>& stream) {
    // Where others wait, a connection is not kept for what may come.
    const auto patient = [this] { return !stopping_ && waiting_ == 0; };
    const Microseconds came = system_clock().monotonic_us();
    for (int i = 1; i <= kRequestsMax; ++i) {
      const bool first = i == 1;
      const auto go_on = [&] { return patient() || (first && system_clock().monotonic_us() - came < kHurried); };
      if (!connection.wait_for_request(first ? kRequestTime : kIdle, go_on)) return true;
      Exchange now{.connection = &connection};
      exchange = &now;
      connection.begin_request();
      bool closed = false;
      const bool last = i == kRequestsMax || !patient();
      const bool went = process_request(connection, last, closed, [this](httplib::Request& in) { look_at(in); });
      exchange = nullptr;
      stream = std::move(now.stream);
      if (stream) return went;
      if (!went || closed || last || now.close) return went;
    }
    return true;
  }

  // The head is there, the body is not.
  void look_at(httplib::Request& in) {
    exchange->connection->begin_body(kBodyMax + kChunkMarks);
    in.ranges.clear();
    // Whoever gives no length sends no body; httplib would wait for one.
    if (!in.has_header("Content-Length") && !in.has_header("Transfer-Encoding")) in.set_header("Content-Length", "0");
    Head head{.method = in.method, .target = in.target};
    head.authorization = in.get_header_value("Authorization");
    head.host = in.get_header_value("Host");
    head.origin = in.get_header_value("Origin");
    head.content_type = in.get_header_value("Content-Type");
    head.has_body = in.has_header("Transfer-Encoding") ||
                    (in.has_header("Content-Length") && in.get_header_value("Content-Length") != "0");
    Request& request = exchange->request;
    request.method = in.method;
    request.target = in.target;
    request.content_type = head.content_type;
    request.remote = in.remote_addr;
    request.if_none_match = in.get_header_value("If-None-Match");
    limit_packing(in);
    request.takes_chunks = in.version != "HTTP/1.0";
    request.last_event_id = in.get_header_value("Last-Event-ID");
    exchange->refusal = refuse_body(in);
    if (!exchange->refusal) exchange->refusal = talk_.gate(head, request);
    if (exchange->refusal && head.has_body) close_after(in);
    if (exchange->refusal) exchange->connection->begin_answer();
  }

  // Packing pays where a network is between, and gzip alone is quick enough for what is asked every second.
  static void limit_packing(httplib::Request& in) {
    const bool gzip = in.get_header_value("Accept-Encoding").find("gzip") != std::string::npos;
    in.headers.erase("Accept-Encoding");
    if (gzip && !is_loopback(in.remote_addr)) in.headers.emplace("Accept-Encoding", "gzip");
  }

  static std::optional<Answer> refuse_body(const httplib::Request& in) {
    // Unpacked, it might be of any size.
    if (in.has_header("Content-Encoding")) return refuse(415, "a body that is compressed is not taken");
    const std::string length = in.get_header_value("Content-Length");
    const auto bytes = parse_integer(length);
    if (!length.empty() && (!bytes.ok() || *bytes < 0)) return refuse(400, "the Content-Length is no number");
    return bytes.ok() && static_cast<std::size_t>(*bytes) > kBodyMax ? std::optional(refuse(413, text_of_status(413)))
                                                                     : std::nullopt;
  }

  // What is left of the request is not read.
  static void close_after(httplib::Request& in) {
    exchange->close = true;
    in.headers.erase("Connection");
    in.headers.emplace("Connection", "close");
  }

  void answer(const httplib::Request& in, httplib::Response& out) {
    exchange->connection->begin_answer();
    if (!out.body.empty()) return;  // a refusal
    if (out.status != 404 || exchange->request.method.empty()) {
      exchange->close = true;
      out.set_header("Connection", "close");
      const int too_much = exchange->request.method.empty() ? 431 : 413;
      const int status = exchange->connection->too_much() ? too_much : out.status;
      return put(refuse(status, text_of_status(status)), out);
    }
    exchange->request.body = in.body;
    Answer answer = answer_of(exchange->request);
    exchange->connection->begin_answer();
    if (!answer.take_over) return put(answer, out);
    exchange->connection->mute();
    exchange->stream = std::move(answer);
  }

  // What nobody has thought of must not take the others down.
  Answer answer_of(const Request& request) const {
    try {
      return talk_.answer(request);
    } catch (const std::exception& error) {
      return refuse(500, std::string("the server has failed at this request, and goes on: ") + error.what());
    }
  }

  const Talk talk_;
  const TlsContext tls_;
  std::atomic<std::size_t> waiting_ = 0;
  std::atomic<bool> stopping_ = false;
  int port_ = -1;
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<Server>> Server::open(const ServerSettings& settings, Talk talk) {
  STREAM_ASSIGN(TlsContext tls, make_tls(settings));
  auto server = std::make_unique<HttplibServer>(std::move(talk), std::move(tls));
  STREAM_TRY(server->start(settings));
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace stream::http
