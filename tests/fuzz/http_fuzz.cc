// Requests of strangers: whatever is sent, the gate and the table of routes answer with a status and JSON, and say no
// more than what was asked: over jobs that are made up, over a folder of jobs, and through a socket. The first byte
// chooses who sends; then come, each ended by a line: method, target, host, origin, authorization, type, and the body.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "supervisor/http/access.h"
#include "supervisor/http/address.h"
#include "supervisor/http/audit.h"
#include "supervisor/http/live_jobs.h"
#include "supervisor/http/server.h"
#include "supervisor/job_store.h"
#include "supervisor/log_line.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/http/fakes.h"
#include "transport/base/files.h"

namespace {

using namespace stream;
using namespace stream::http;

std::string next_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  std::string line(text.substr(0, end));
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

void check_answer(const Answer& answer) {
  if (answer.status < 200 || answer.status > 599) std::abort();
  if (answer.take_over || !answer.type.starts_with("application/json")) return;
  if (Json::parse(answer.text, nullptr, false).is_discarded()) std::abort();
}

const Access& access_of(bool tokens) {
  static const Access open({}, "127.0.0.1");
  static const Access closed({{"reader", Role::kRead, sha256_of("r")}, {"worker", Role::kOperate, sha256_of("o")}},
                             "::");
  return tokens ? closed : open;
}

// A folder of jobs as `stream serve` finds it: one that has run and failed, with a checkpoint and a log.
class Home {
 public:
  Home() {
    ::setenv("STREAM_HOME", folder_.path().c_str(), 1);
    const JobPaths paths = job_paths("live");
    if (!make_job_folders(paths).ok()) std::abort();
    auto store = JobStore::open(paths.store());
    const SharedPlan plan = *FakeJobs().plan("live");
    JobRecord record;
    record.id = std::string(32, 'a');
    record.run = std::string(32, 'b');
    record.state = JobState::kFailed;
    record.plan = plan_to_json(*plan);
    record.reason = "it failed";
    const bool written = store.ok() && (*store)->save(record).ok() && (*store)->leave_checkpoints(record.run).ok() &&
                         (*store)->record_checkpoint({70, "committed", 1, 2, 3, "[]"}).ok() &&
                         (*store)->begin_attempt({.attempt = 1, .run = record.run, .started_us = 1}).ok() &&
                         (*store)->record_event({1, "failed", "made.0 was killed"}).ok();
    LogLine logged;
    logged.stage = "made";
    logged.message = "x";
    const std::string line = to_json(logged, "live") + "\n";
    if (!written || !system_files().write_file(paths.logs() + "/stream.log", line).ok()) std::abort();
  }

 private:
  TempDir folder_;
};

LiveJobs& jobs_on_disk() {
  static const Home home;
  static LiveJobs jobs("");
  return jobs;
}

Answer answer_from(Jobs& jobs, const Request& request) {
  static FakeChanges changes;
  static FakeStreams streams;
  static Commands commands("/nonexistent/stream", {}, "");
  static FlameGraphs flames(
      [](const std::string&, const ProfileWish&) { return Result<Profile>(failed("nobody is there")); });
  Operations operations;
  const Site site{.host = "here", .address = "127.0.0.1:8081", .now_ms = 10'000, .commands = &commands};
  Answer answer = dispatch(request, site, {jobs, changes, operations, streams, flames});
  if (!operations.wait_until_idle(10'000'000) || !flames.wait_until_idle(10'000'000)) std::abort();
  changes.forget();
  return answer;
}

void answer(const Request& request, const Head& head, bool tokens) {
  FakeJobs jobs;
  Request asked = request;
  if (const auto refusal = access_of(tokens).gate(head, asked)) return check_answer(*refusal);
  check_answer(answer_from(jobs, asked));
  check_answer(answer_from(jobs_on_disk(), asked));
}

// The edge itself, which takes bytes apart: what comes in is answered, by one or several answers, and let go.
class Edge {
 public:
  Edge() {
    Server::Talk talk;
    talk.gate = [](const Head& head, Request& request) { return access_of(false).gate(head, request); };
    talk.answer = [](const Request& request) {
      Answer answer = answer_from(jobs_on_disk(), request);
      return answer.take_over ? refuse(409, "nothing follows here") : answer;
    };
    ServerSettings settings;
    settings.host = "127.0.0.1";
    settings.port = 0;
    auto server = Server::open(settings, std::move(talk));
    if (!server.ok()) std::abort();
    server_ = server->release();  // it ends with the process: its threads are none of a test's business
  }

  void send(std::string_view bytes) const {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(static_cast<std::uint16_t>(server_->port()));
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0) std::abort();
    (void)!::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    ::shutdown(socket, SHUT_WR);
    std::string came;
    char buffer[65536];
    for (ssize_t count = 0; (count = ::recv(socket, buffer, sizeof buffer, 0)) > 0;)
      came.append(buffer, static_cast<std::size_t>(count));
    ::close(socket);
    if (!came.empty() && !came.starts_with("HTTP/1.1 ")) std::abort();
  }

 private:
  Server* server_ = nullptr;
};

void send_to_edge(const Head& head, const Request& request) {
  static const Edge edge;
  edge.send(head.method);  // whatever the first line is
  edge.send(head.method + " " + head.target + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: " + head.content_type +
            "\r\nConnection: close\r\nContent-Length: " + std::to_string(request.body.size()) + "\r\n\r\n" +
            request.body);
  edge.send(request.body);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  (void)parse_tokens(std::string(text), "tokens");
  (void)parse_address(std::string(text));
  Head head{.method = next_line(text), .target = next_line(text)};
  head.host = next_line(text);
  head.origin = next_line(text);
  head.authorization = next_line(text);
  head.content_type = next_line(text);
  head.has_body = !text.empty();
  Request request{.method = head.method, .target = head.target, .body = std::string(text)};
  request.content_type = head.content_type;
  request.last_event_id = head.origin;
  (void)without_parameters(request.target);
  answer(request, head, (data[0] & 1U) != 0);
  // The same where the gate lets everybody in.
  head.host = "localhost";
  head.origin.clear();
  answer(request, head, false);
  send_to_edge(head, request);
  return 0;
}
