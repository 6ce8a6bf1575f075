// Inbox: what a source is sent and cannot ask for again, on disk before its sender hears that it came.
//
// Records are appended to a spool (snapshot/spool.h) and synced by a thread of its own, as many together as have
// gathered; then they can be read, in the order they came, and again from any position that a checkpoint holds.
// A record in the spool is its length as a uint32, little endian, and its bytes. One thread only.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "snapshot/spool_writer.h"
#include "transport/base/clock.h"
#include "transport/base/worker.h"

namespace stream {

class Inbox {
 public:
  static constexpr std::size_t kGatheredMax = 8 << 20;      // bytes that wait for the disk
  static constexpr std::uint64_t kAheadMax = 512ULL << 20;  // bytes on disk and not yet read
  static constexpr std::size_t kRecordMax = 64 << 20;       // bytes of one record
  static constexpr Microseconds kRetryAfter = 1'000'000;    // what could not be written

  using Say = std::function<void(std::string)>;
  // `folder` as Context::spool; "" outside of a job: records are kept in memory alone. `say` is told when nothing can
  // be written, which is tried again each second, and when it can again. `files` and `clock` outlive the inbox.
  Inbox(Files& files, std::string folder, const Clock& clock, Say say);

  // Before anything else. Reading goes on at `from`, which position() gave; input 0: with the first record there is.
  Status start(SpoolPosition from);

  // Nothing more should be taken in for now: the disk or the reader is behind.
  bool full() const;
  // Takes a record in, of at most kRecordMax bytes. Its number, from 1 on.
  std::uint64_t put(std::string_view record);
  // Every record up to this number is durable: its sender may be told.
  std::uint64_t durable() const { return durable_; }

  // Call when wake_fd() is readable, and after put(). Errors: kNotFound, if the folder is gone.
  Status serve();
  int wake_fd() const { return worker_.wake_fd(); }
  // When serve() should be called though nothing woke; nothing: need not.
  std::optional<Microseconds> retry_at() const {
    return failing_ && worker_.pending() == 0 ? std::optional(retry_at_) : std::nullopt;
  }

  // Hands out durable records that have not been read, about `bytes_max` bytes of them. False if there are none.
  // The views are good during the call alone. After an error nothing more can be read.
  using Visit = std::function<Status(std::string_view record)>;
  Result<bool> read(std::size_t bytes_max, const Visit& visit);

  // Behind the last record that read() handed out.
  SpoolPosition position() const { return at_; }

 private:
  void submit();
  Status written(const Status& status);
  Result<bool> read_memory(std::size_t bytes_max, const Visit& visit);
  Result<bool> fill();
  Result<std::uint64_t> end_of_input();
  void next_input();

  Files& files_;
  const std::string folder_;
  const Clock& clock_;
  const Say say_;
  SpoolWriter writer_;  // the worker's while something is pending

  std::string gathered_;          // framed records that wait
  std::uint64_t put_ = 0;         // records
  std::string writing_;           // given to the worker, kept until it is durable
  std::uint64_t writing_to_ = 0;  // the last record in it
  std::uint64_t durable_ = 0;     // records
  SpoolPosition durable_to_;      // of the input that is written now
  bool failing_ = false;
  Microseconds retry_at_ = 0;

  std::deque<std::string> memory_;  // without a folder

  SpoolPosition at_;
  std::deque<std::uint64_t> left_;  // inputs to read, the one of at_ first; the last is the one that is written now
  std::vector<std::uint64_t> segments_;  // of the first of them: where they begin
  std::string ahead_;                    // bytes from at_ on, behind the first `consumed_`
  std::size_t consumed_ = 0;

  Worker worker_;
};

}  // namespace stream
