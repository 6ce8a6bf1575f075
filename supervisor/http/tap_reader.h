// Rows of running jobs for those who look over HTTP: all on one thread. A tap whose client is slow is not read for a
// while; the instances then leave rows out, and say how many.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "supervisor/http/pipes.h"
#include "supervisor/http/streams.h"
#include "supervisor/job_paths.h"
#include "supervisor/tap_listener.h"

namespace stream::http {

class TapReader {
 public:
  explicit TapReader(Pipes& pipes) : pipes_(pipes), thread_([this] { run(); }) {}
  ~TapReader();
  TapReader(const TapReader&) = delete;

  // Asks the job. Errors: kUsage for a stage or output that is not there, kFailed where the job does not run or has too
  // many taps, kInterrupted where too many streams are open.
  Result<TakeOver> open(const std::string& job, const TapWish& wish);

 private:
  // One tap and its client.
  struct Session {
    JobPaths job;
    std::shared_ptr<TapListener> listener;
    std::optional<std::int64_t> left;
    std::shared_ptr<Pipe> pipe = {};
    bool take(const TapListener::Line& line);
    void end(std::string_view why) const;
  };
  void run();
  bool serve(Session& session, std::span<const pollfd> ready);
  void take_new();

  Pipes& pipes_;
  std::atomic<bool> over_ = false;
  std::atomic<std::uint64_t> number_ = 0;
  std::mutex mutex_;
  std::vector<Session> added_;
  std::vector<Session> sessions_;  // of the thread
  std::thread thread_;
};

}  // namespace stream::http
