// EntryReader: the entries of a stream as they come, through lost connections. It never waits for entries: one
// question is always under way, and fd() is readable when its answer comes.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "stages/kit/patience.h"
#include "stages/read-redis/progress.h"
#include "stages/redis/connection.h"
#include "transport/base/clock.h"

namespace stream {

class EntryReader {
 public:
  using Connect = std::function<Result<std::unique_ptr<RedisConnection>>()>;
  EntryReader(Connect connect, std::string stream, Microseconds patience, const Clock& clock)
      : connect_(std::move(connect)), stream_(std::move(stream)), patience_(patience), clock_(clock) {}

  struct Picture {
    RedisReply reply;  // that holds the entries
    std::span<redisReply* const> entries;
    RedisStreamInfo info;  // of the same moment
    bool all = false;      // there were no more
  };
  // Entries behind `last`, if an answer has come. Errors: what lasts longer than the patience, or is kUsage.
  Result<std::optional<Picture>> poll(EntryId last);
  int fd() const { return connection_ == nullptr ? -1 : connection_->fd(); }

 private:
  enum class Asked : std::uint8_t { kNothing, kPicture, kWhatComes };
  Status ask_picture(EntryId last);
  Status ask_what_comes(EntryId last);
  Result<std::optional<Picture>> step(EntryId last);

  const Connect connect_;
  const std::string stream_;
  Patience patience_;
  const Clock& clock_;
  std::unique_ptr<RedisConnection> connection_;
  Asked asked_ = Asked::kNothing;
  bool caught_up_ = false;
  std::size_t answers_left_ = 0;  // of the picture
  Microseconds retry_at_ = 0;
};

// What XINFO STREAM says. Errors: kUsage, if the server is too old to count entries.
Result<RedisStreamInfo> redis_stream_info(const redisReply& reply);
EntryId entry_id_of(const redisReply& entry);

}  // namespace stream
