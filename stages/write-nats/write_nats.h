// WriteNats: rows into a JetStream stream, one message a row, each exactly once.
//
// Rows of an epoch wait in the outbox. When their checkpoint is durable they are published under ids that
// are the same whenever they are published again. Which of them the stream has already is asked of the
// stream itself, from the sequence number on that it had reached when the epoch was prepared: so it does not
// matter how long the stage was away. The server's duplicate window is left the messages that were still
// under way when a connection or a process died.
#pragma once

#include <atomic>
#include <memory>
#include <set>

#include "stages/kit/message_sink.h"
#include "stages/kit/outbox_sink.h"
#include "stages/nats/puller.h"
#include "stages/write-nats/message_ids.h"
#include "stages/write-nats/publisher.h"

namespace stream {

PlanAnswer plan_write_nats(const PlanRequest& request);

class WriteNats final : public OutboxSink {
 public:
  static Result<std::unique_ptr<Sink>> make(Context& context);

  Status rewind(Epoch epoch) override;
  void accept_duplicates() override { duplicates_accepted_ = true; }

 protected:
  Batch kept(Batch batch) override;
  Status begin(Epoch epoch, std::span<const Prepared> pending) override;
  Status make_visible(std::span<const Prepared> due) override;
  Status write_now(const std::vector<Batch>& batches) override;

 private:
  WriteNats(Context& context, MessageEncoderOptions encoding);
  Status connect();
  Status check_stream();
  // The rows of it that the stream has.
  Result<std::set<std::uint64_t>> stored(const Prepared& prepared);
  Status try_once(const Prepared& prepared, bool again);
  Status patiently(const Prepared& prepared);

  Context& context_;
  const SchemaPtr schema_;
  const SchemaPtr kept_schema_;
  const Microseconds patience_;
  MessageEncoder encoder_;
  MessageIds ids_;
  NatsStreamInfo stream_;
  std::unique_ptr<Publisher> publisher_;    // used by one thread at a time: loop, then commit
  std::atomic<std::uint64_t> reached_ = 0;  // a sequence number that the stream has reached, or passed
  bool duplicates_accepted_ = false;
};

}  // namespace stream
