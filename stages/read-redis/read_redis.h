// ReadRedis: the source behind stream-read-redis.
#pragma once

#include <memory>

#include "snapshot/state_store.h"
#include "stages/read-redis/entry_reader.h"

namespace stream {

PlanAnswer plan_read_redis(const PlanRequest& request);

class ReadRedis final : public Source {
 public:
  static Result<std::unique_ptr<Source>> make(Context& context);

  Result<Poll> poll(Emitter& out) override;
  int wake_fd() const override { return reader_.fd(); }
  Microseconds idle_wait() const override { return 100'000; }
  Status on_restored() override;
  Status before_snapshot() override;

 private:
  ReadRedis(Context& context, StartAt start);
  Status locate(const RedisStreamInfo& info);
  Status add(const redisReply& entry, Emitter& out);
  Result<bool> take(const EntryReader::Picture& picture, Emitter& out);

  Context& context_;
  const std::string stream_;
  const std::string payload_;  // the field that holds a message; "": the fields are the columns
  const StartAt start_;
  StateTable& table_;
  std::unique_ptr<MessageRows> rows_;
  Progress progress_;
  EntryReader reader_;
  bool missed_ = false;  // the user was told that there is no stream yet
};

}  // namespace stream
