// WriteKafka: rows into a Kafka topic, one message a row, each exactly once.
//
// A transaction that a dead process has prepared cannot be taken up by another one: Kafka aborts it. So rows of
// an epoch wait in the outbox, and are written and committed in one transaction when their checkpoint is
// durable. Whether that had happened before a crash is told by the mark in the same transaction.
#pragma once

#include <map>
#include <memory>
#include <utility>

#include "stages/kit/message_sink.h"
#include "stages/kit/outbox_sink.h"
#include "stages/write-kafka/message_columns.h"
#include "stages/write-kafka/producer.h"

namespace stream {

PlanAnswer plan_write_kafka(const PlanRequest& request);

class WriteKafka final : public OutboxSink {
 public:
  static Result<std::unique_ptr<Sink>> make(Context& context);

  Status rewind(Epoch epoch) override;

 protected:
  Batch kept(Batch batch) override;
  Status begin(Epoch epoch, std::span<const Prepared> pending) override;
  Status make_visible(std::span<const Prepared> due) override;
  Status write_now(const std::vector<Batch>& batches) override;

 private:
  WriteKafka(Context& context, MessageColumns columns, MessageEncoderOptions encoding, SchemaPtr payload);
  ProducerSetup setup_of(std::uint32_t origin, Microseconds patience) const;
  Result<Producer*> producer_of(std::uint32_t origin);
  Status add_rows(Producer& producer, const std::vector<Batch>& batches);
  Status try_once(const Prepared& prepared, bool again);
  Status patiently(const Prepared& prepared);

  Context& context_;
  const MessageColumns columns_;
  const SchemaPtr payload_schema_;
  const SchemaPtr kept_schema_;
  const Microseconds patience_;
  MessageEncoder encoder_;
  bool topic_seen_ = false;                                       // by this process or one before it
  std::map<std::uint32_t, std::unique_ptr<Producer>> producers_;  // by origin; the commit thread's
};

}  // namespace stream
