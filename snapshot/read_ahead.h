// ReadAhead: while changes are applied on one thread, those behind them are read on another.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>

#include "snapshot/destination.h"

namespace stream {

// What a restore costs is reading, checking and unpacking files, and inserting rows: the two overlap. Few
// changes are held at a time, each of at most 64 Ki rows.
class ReadAhead {
 public:
  using Read = std::function<Status(Destination&)>;

  // Calls `read` on a thread of its own and applies what it reads to `to` on this one, in order. Errors: the
  // first of applying, else that of reading.
  static Status run(const Read& read, Destination& to);

 private:
  using Change = std::function<Status(Destination&)>;
  class Queue;
  class Enqueue;
};

}  // namespace stream
