// Progress: how far a stream has been read, and what its numbers say about that: decisions without a server.
//
// A stream counts the entries that were ever added. So does the reader with those that it got, and the difference,
// once it has all there is, are entries that were removed before it came to them.
#pragma once

#include <string>

#include "stages/kit/message_source.h"
#include "stages/redis/entry_id.h"

namespace stream {

struct RedisStreamInfo {
  bool there = false;
  std::int64_t length = 0;  // entries it holds
  std::int64_t added = 0;   // entries ever added
  EntryId first;            // it holds
  EntryId last;             // ever added
};

class Progress {
 public:
  // Where a reader begins that has no position yet.
  void begin(const RedisStreamInfo& info, const StartAt& start, bool stop_at_end);
  // A reader's position, as before.
  void restore(EntryId last, std::int64_t read, EntryId end);

  bool begun() const { return begun_; }
  EntryId last() const { return last_; }  // everything up to it has been read
  std::int64_t read() const { return read_; }
  EntryId end() const { return end_; }

  // Whether it is still the stream that was read. Errors: kUsage.
  Status check(const std::string& name, const RedisStreamInfo& info) const;
  // `count` entries behind last() were got in the same moment as `info`, the last of them `to`; `all`: there are no
  // more. How many were removed before them.
  std::int64_t took(const RedisStreamInfo& info, std::size_t count, EntryId to, bool all);
  // With stop-at-end: nothing more is wanted. `all`: there is nothing behind last().
  bool ended(bool all) const { return stops_ && (last_ >= end_ || all); }
  bool beyond_end(EntryId id) const { return stops_ && id > end_; }
  void stop_at_end(bool stops) { stops_ = stops; }

 private:
  bool begun_ = false;
  bool stops_ = false;
  EntryId last_;
  std::int64_t read_ = 0;  // entries added up to `last_`; -1: not known yet
  EntryId end_;
};

}  // namespace stream
