// Pipes: everybody who is sent a stream, on one thread. Whoever has something for them puts it in and goes on; who does
// not take it is dropped. See outbox.h.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "supervisor/http/open_end.h"
#include "supervisor/http/outbox.h"
#include "transport/base/status.h"

namespace stream::http {

inline constexpr std::size_t kPipesMax = 256;
inline constexpr Microseconds kQuietMax = 15'000'000;  // then a remark is sent

// To one client. For any thread.
class Pipe {
 public:
  void push(Frame frame);
  // Nothing more comes: it is closed when all is taken.
  void finish();
  bool gone() const { return gone_; }
  std::size_t waiting() const;  // bytes

 private:
  friend class Pipes;
  Pipe(std::unique_ptr<OpenEnd> end, int wake) : end_(std::move(end)), wake_(wake) {}
  bool flush(Microseconds now);  // false: it is over

  std::unique_ptr<OpenEnd> end_;  // of the thread of Pipes alone
  const int wake_;
  mutable std::mutex mutex_;
  Outbox outbox_;
  bool finished_ = false;
  bool slow_ = false;
  bool lost_ = false;  // likewise
  Microseconds sent_us_ = 0;
  std::atomic<bool> gone_ = false;
};

class Pipes {
 public:
  // Errors: kSystem.
  static Result<std::unique_ptr<Pipes>> open();
  ~Pipes();
  Pipes(const Pipes&) = delete;

  // There is room for one more: asked for before a request is answered. Errors: kInterrupted.
  Status check_room() const;
  std::shared_ptr<Pipe> add(std::unique_ptr<OpenEnd> end);
  std::size_t size() const { return size_; }

 private:
  explicit Pipes(int wake);
  void run();
  void turn();

  const int wake_;  // eventfd
  std::atomic<bool> over_ = false;
  std::atomic<std::size_t> size_ = 0;
  std::mutex mutex_;
  std::vector<std::shared_ptr<Pipe>> added_;
  std::vector<std::shared_ptr<Pipe>> pipes_;  // of the thread
  std::thread thread_;
};

}  // namespace stream::http
