// StreamReader: the messages of a stream, got by a thread of its own, through lost connections.
//
// It reads ahead of take(), by a bounded number of messages and bytes. What is wrong for longer than the
// user's patience, or cannot become right, is error().
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "stages/kit/message_source.h"
#include "stages/kit/patience.h"
#include "stages/nats/puller.h"

namespace stream {

// How far a stream has been read; a row of the state table `splits`.
struct StreamPosition {
  std::int64_t next = 0;     // sequence; 0: where `start` says, which nobody has looked up yet
  std::int64_t end = 0;      // last sequence to read with stop-at-end; 0: not known yet
  std::int64_t created = 0;  // of the stream, ns since 1970; 0: not known yet
  friend bool operator==(const StreamPosition&, const StreamPosition&) = default;
};

struct StreamReading {
  std::string stream;
  std::string subject;  // "" = all
  StartAt start;
  bool stop_at_end = false;
  Microseconds patience = 0;
};

// What take() hands over; without a message, `removed` says that some are gone.
struct ReadMessage {
  NatsMessage message;
  std::string removed;
};

class StreamReader {
 public:
  using Connect = std::function<Result<std::unique_ptr<NatsConnection>>()>;

  StreamReader(Connect connect, StreamReading reading, StreamPosition position, const Clock& clock);
  ~StreamReader();

  struct Taken {
    std::vector<ReadMessage> messages;
    StreamPosition position;  // behind them
    bool ended = false;       // nothing comes behind them: stop-at-end
  };
  // What is there, at most `most`. Errors: those of the thread, once everything before has been taken.
  Result<Taken> take(std::size_t most);

  int wake_fd() const { return wake_fd_; }  // readable: take() has something to say
  void drain_wake();

 private:
  void run();
  Status open();
  Status locate(const NatsStreamInfo& info);
  void note_removed(const NatsStreamInfo& info);
  Status read_some();
  bool may_go_on(Status status);
  bool wait_for_room();
  void push(ReadMessage message);
  void wake();

  const Connect connect_;
  const StreamReading reading_;
  const Clock& clock_;
  int wake_fd_;

  // The thread's own.
  std::unique_ptr<NatsConnection> connection_;
  std::unique_ptr<NatsPuller> puller_;
  std::uint64_t next_ = 0;
  std::uint64_t end_ = 0;
  bool located_;  // the stream has been there
  Patience patience_{reading_.patience};

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<ReadMessage> queue_;  // from here on guarded by mutex_
  std::size_t queue_bytes_ = 0;
  StreamPosition position_;  // behind what has been taken
  Status error_;
  bool ended_ = false;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace stream
