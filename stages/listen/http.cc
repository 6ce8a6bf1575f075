// HTTP POST: a request is answered once its records are durable.
#include <httplib.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "stages/listen/intake.h"
#include "stages/listen/json_records.h"

namespace stream::listen {
namespace {

constexpr std::chrono::seconds kPatience{30};  // for the disk, or a reader that is behind
constexpr std::size_t kThreads = 32;           // requests that are answered at once
constexpr std::size_t kWaitingMax = 128;       // others that wait for one of them
constexpr std::size_t kBodyMax = 64ULL << 20;  // bytes of one request

// A request between the thread that answers it and the loop.
struct Request {
  std::vector<std::string> records;
  std::string peer;
  std::uint64_t last = 0;  // the number its last record got
  bool durable = false;
  bool given_up = false;  // its thread waits no longer
};

// Threads that answer connections. When all are busy, and many wait for one, nobody else is let in.
class BoundedThreads final : public httplib::TaskQueue {
 public:
  void enqueue(std::function<void()> answer) override {
    {
      std::unique_lock lock(mutex_);
      room_.wait(lock, [&] { return held_ < kThreads + kWaitingMax; });
      ++held_;
    }
    threads_.enqueue([this, answer = std::move(answer)] {
      answer();
      {
        const std::lock_guard lock(mutex_);
        --held_;
      }
      room_.notify_one();
    });
  }
  void shutdown() override { threads_.shutdown(); }

 private:
  std::mutex mutex_;
  std::condition_variable room_;
  std::size_t held_ = 0;
  httplib::ThreadPool threads_{kThreads};
};

class Http final : public Intake {
 public:
  explicit Http(const IntakeOptions& options) : options_(options), wake_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

  ~Http() override {
    {
      const std::lock_guard lock(mutex_);
      closing_ = true;
    }
    answered_.notify_all();
    server_.stop();
    if (thread_.joinable()) thread_.join();
    ::close(wake_fd_);
  }

  Status start() {
    server_.new_task_queue = [] { return new BoundedThreads; };
    server_.set_payload_max_length(kBodyMax);
    server_.set_tcp_nodelay(true);
    server_.set_keep_alive_max_count(1'000'000);
    server_.Post(".*",
                 [this](const httplib::Request& request, httplib::Response& response) { answer(request, response); });
    server_.set_error_handler([](const httplib::Request&, httplib::Response& response) {
      if (response.body.empty() && response.status == 404) {
        response.status = 405;
        response.set_header("Allow", "POST");
        response.set_content("only POST is answered here\n", "text/plain");
      }
    });
    if (!server_.bind_to_port(options_.address.host, options_.address.port)) {
      return system_error("listen at", options_.address.host + ":" + std::to_string(options_.address.port), errno);
    }
    thread_ = std::thread([this] {
      server_.listen_after_bind();
      ended_ = true;
      wake();
    });
    while (!server_.is_running() && !ended_) std::this_thread::yield();  // before that it could not be stopped
    return {};
  }

  int fd() const override { return wake_fd_; }

  Status take(Inbox& inbox, Microseconds now) override {
    std::uint64_t count = 0;
    [[maybe_unused]] const ssize_t got = ::read(wake_fd_, &count, sizeof count);
    if (ended_) return failed("nothing more comes in over http://: the server cannot accept connections");
    const std::lock_guard lock(mutex_);
    while (!arrived_.empty() && !inbox.full()) {
      const std::shared_ptr<Request> request = std::move(arrived_.front());
      arrived_.pop_front();
      if (request->given_up) continue;
      for (const std::string& record : request->records)
        request->last = inbox.put(sealed({now, request->peer, false, record}));
      waiting_.push_back(request);
    }
    if (!arrived_.empty()) wake();  // when there is room again
    return {};
  }

  void tell(std::uint64_t durable) override {
    bool any = false;
    {
      const std::lock_guard lock(mutex_);
      for (; !waiting_.empty() && waiting_.front()->last <= durable; waiting_.pop_front())
        any = waiting_.front()->durable = true;
    }
    if (any) answered_.notify_all();
  }

 private:
  void wake() const {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(wake_fd_, &one, sizeof one);
  }

  static void refuse(httplib::Response& response, int status, const std::string& why) {
    response.status = status;
    response.set_content(why + "\n", "text/plain");
  }

  // On a thread of the server.
  void answer(const httplib::Request& in, httplib::Response& out) {
    if (in.path != options_.address.path) return refuse(out, 404, "records are taken at " + options_.address.path);
    if (!options_.token.empty() && !known(in.get_header_value("Authorization"))) {
      out.set_header("WWW-Authenticate", "Bearer");
      return refuse(out, 401, "the token is wrong or missing");
    }
    auto request = std::make_shared<Request>();
    request->peer = in.remote_addr + ":" + std::to_string(in.remote_port);
    std::string why;
    if (!records_of(in.get_header_value("Content-Type"), in.body, options_.record_max, &request->records, &why)) {
      return refuse(out, why.starts_with("a record is longer") ? 413 : 400, why);
    }
    if (!request->records.empty() && !delivered(request)) {
      out.set_header("Retry-After", "1");
      return refuse(out, 503, "the records could not be kept in time; send them again");
    }
    out.set_content("{\"records\":" + std::to_string(request->records.size()) + "}\n", "application/json");
  }

  // Takes as long for a token that is nearly right as for any other.
  bool known(const std::string& header) const {
    const std::string expected = "Bearer " + options_.token;
    unsigned different = header.size() != expected.size();
    for (std::size_t i = 0; i < expected.size(); ++i) {
      different |=
          static_cast<unsigned char>(expected[i]) ^ static_cast<unsigned char>(i < header.size() ? header[i] : 0);
    }
    return different == 0;
  }

  bool delivered(const std::shared_ptr<Request>& request) {
    std::unique_lock lock(mutex_);
    arrived_.push_back(request);
    wake();
    answered_.wait_for(lock, kPatience, [&] { return request->durable || closing_; });
    request->given_up = !request->durable;
    return request->durable;
  }

  const IntakeOptions options_;
  const int wake_fd_;
  httplib::Server server_;
  std::thread thread_;
  std::atomic<bool> ended_ = false;
  std::mutex mutex_;
  std::condition_variable answered_;
  bool closing_ = false;
  std::deque<std::shared_ptr<Request>> arrived_;  // at most one a thread of the server
  std::deque<std::shared_ptr<Request>> waiting_;  // in the inbox
};

}  // namespace

Result<std::unique_ptr<Intake>> open_http(const IntakeOptions& options) {
  auto http = std::make_unique<Http>(options);
  STREAM_TRY(http->start());
  return std::unique_ptr<Intake>(std::move(http));
}

}  // namespace stream::listen
