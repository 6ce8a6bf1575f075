#include "stages/read-redis/progress.h"

#include <algorithm>

namespace stream {
namespace {

// The last id before all of this time.
EntryId before(Microseconds time) {
  const std::uint64_t milliseconds = time <= 0 ? 0 : (static_cast<std::uint64_t>(time) + 999) / 1000;
  return milliseconds == 0 ? EntryId{} : EntryId{milliseconds - 1, UINT64_MAX};
}

}  // namespace

void Progress::begin(const RedisStreamInfo& info, const StartAt& start, bool stop_at_end) {
  begun_ = true;
  stops_ = stop_at_end;
  end_ = info.last;
  switch (start.kind) {
    case StartAt::Kind::kEarliest: read_ = info.added - info.length; break;
    case StartAt::Kind::kLatest:
      last_ = info.last;
      read_ = info.added;
      break;
    case StartAt::Kind::kTime:
      last_ = before(start.time);
      read_ = -1;
      break;
  }
}

void Progress::restore(EntryId last, std::int64_t read, EntryId end) {
  begun_ = true;
  last_ = last;
  read_ = read;
  end_ = end;
}

Status Progress::check(const std::string& name, const RedisStreamInfo& info) const {
  if (read_ <= 0) return {};
  if (!info.there)
    return usage_error("stream '" + name +
                       "' is gone: it has been deleted since it was read; begin again with --fresh");
  if (info.last >= last_ && info.added >= read_) return {};
  return usage_error("stream '" + name + "' is not the one any more that was read, up to " + to_string(last_) +
                     ": it has been made anew, or has lost entries; begin again with --fresh");
}

std::int64_t Progress::took(const RedisStreamInfo& info, std::size_t count, EntryId to, bool all) {
  const auto got = static_cast<std::int64_t>(count);
  const bool all_are_behind = info.length > 0 && info.first > last_;
  std::int64_t removed = 0;
  if (read_ >= 0 && all) removed = info.added - read_ - got;
  if (read_ >= 0 && !all && all_are_behind) removed = info.added - info.length - read_;
  removed = std::max<std::int64_t>(removed, 0);
  if (read_ >= 0) {
    read_ += got + removed;
  } else if (all) {
    read_ = info.added;
  }
  if (count > 0) last_ = to;
  return removed;
}

}  // namespace stream
