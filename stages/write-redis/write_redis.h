// WriteRedis: rows into a Redis stream, an entry a row, each exactly once.
//
// Rows of an epoch wait in the outbox. When their checkpoint is durable, all of them are added in one transaction
// (MULTI), with the mark that they are there, in a sorted set of the run and stage by epoch. An attempt begins by
// watching a key that each of its kind sets: so one that a lost connection has left on its way, and that the server
// gets to only when a later one is done, does nothing.
#pragma once

#include <memory>

#include "stages/kit/message_sink.h"
#include "stages/kit/outbox_sink.h"
#include "stages/redis/connection.h"

namespace stream {

PlanAnswer plan_write_redis(const PlanRequest& request);

class WriteRedis final : public OutboxSink {
 public:
  static Result<std::unique_ptr<Sink>> make(Context& context);

  Status rewind(Epoch epoch) override;

 protected:
  Status begin(Epoch epoch, std::span<const Prepared> pending) override;
  Status make_visible(std::span<const Prepared> due) override;
  Status write_now(const std::vector<Batch>& batches) override;

 private:
  WriteRedis(Context& context, MessageEncoderOptions encoding);
  Status connect();
  Status add_row(const Batch& batch, std::size_t row);
  Status add_rows(std::span<const Batch> batches);
  Status add_mark(Committable committable);
  Status answers();
  Result<bool> known(Committable committable);
  Status try_once(const Prepared& prepared);
  Status patiently(const Prepared& prepared);

  Context& context_;
  const SchemaPtr schema_;
  const std::string stream_;
  const std::string payload_;
  const std::string marks_;  // key of the sorted set
  const std::string maxlen_;
  const Microseconds patience_;
  MessageEncoder encoder_;
  const bool row_kinds_;
  std::unique_ptr<RedisConnection> connection_;  // used by one thread at a time: loop, then commit
  std::size_t unanswered_ = 0;
};

}  // namespace stream
