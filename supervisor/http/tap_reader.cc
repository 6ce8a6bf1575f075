#include "supervisor/http/tap_reader.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "supervisor/job_client.h"

namespace stream::http {
namespace {

constexpr int kLookEvery = 200;                  // milliseconds, at who has come, and whether jobs still run
constexpr std::size_t kWaitingMax = 256U << 10;  // bytes for a client; then its tap is not read

std::string dump(const nlohmann::json& value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

TapReader::~TapReader() {
  over_ = true;
  thread_.join();
}

Result<TakeOver> TapReader::open(const std::string& job, const TapWish& wish) {
  STREAM_TRY(pipes_.check_room());
  const JobPaths paths = job_paths(job);
  if (!JobLock::runs(paths)) return failed("job '" + job + "' does not run");
  const std::string name = "tap-" + std::to_string(::getpid()) + "-" + std::to_string(++number_);
  STREAM_ASSIGN(std::shared_ptr<TapListener> listener, TapListener::make(paths.sockets() + "/" + name));
  const nlohmann::json request = {{"verb", "tap"},
                                  {"stage", wish.stage},
                                  {"output", wish.output},
                                  {"where", wish.where},
                                  {"socket", listener->path()}};
  STREAM_TRY(ask_job(paths, request, kQuickAnswer).status());
  return TakeOver([this, session = Session{paths, listener, wish.limit}](std::unique_ptr<OpenEnd> end) mutable {
    session.pipe = pipes_.add(std::move(end));
    const std::lock_guard lock(mutex_);
    added_.push_back(std::move(session));
  });
}

void TapReader::Session::end(std::string_view why) const {
  pipe->push(event_frame("end", dump({{"reason", why}})));
  pipe->finish();
}

// False: no more of it.
bool TapReader::Session::take(const TapListener::Line& line) {
  if (line.kind == 'E') {
    end(line.text);
    return false;
  }
  if (line.kind == 'D') {
    pipe->push(event_frame(
        "skipped", dump({{"instance", line.instance}, {"rows", std::strtoull(line.text.c_str(), nullptr, 10)}})));
    return true;
  }
  pipe->push(event_frame("row", R"({"instance":)" + dump(line.instance) + R"(,"row":)" + line.text + "}"));
  if (!left || --*left > 0) return true;
  end("so many were asked for");
  return false;
}

void TapReader::take_new() {
  const std::lock_guard lock(mutex_);
  for (Session& session : added_) sessions_.push_back(std::move(session));
  added_.clear();
}

bool TapReader::serve(Session& session, std::span<const pollfd> ready) {
  if (session.pipe->gone()) return false;
  const bool running = JobLock::runs(session.job);
  if (!ready.empty() && !session.listener->take_ready(ready, [&](const auto& line) { return session.take(line); }))
    return false;
  if (running || session.listener->connected()) return true;
  session.end("the job does not run any more");
  return false;
}

void TapReader::run() {
  while (!over_) {
    take_new();
    std::vector<pollfd> waits;
    std::vector<std::size_t> ends;
    for (const Session& session : sessions_) {
      if (session.pipe->waiting() < kWaitingMax) session.listener->add_to(waits);
      ends.push_back(waits.size());
    }
    ::poll(waits.data(), waits.size(), kLookEvery);
    std::size_t begin = 0;
    std::size_t i = 0;
    std::erase_if(sessions_, [&](Session& session) {
      const std::size_t end = ends[i++];
      const bool more = serve(session, std::span<const pollfd>(waits).subspan(begin, end - begin));
      begin = end;
      return !more;
    });
  }
}

}  // namespace stream::http
