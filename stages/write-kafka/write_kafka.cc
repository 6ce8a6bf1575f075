#include "stages/write-kafka/write_kafka.h"

#include "stages/kit/retry.h"

namespace stream {
namespace {

constexpr std::string_view kAt = "_stream_at";       // when the row was prepared
constexpr Microseconds kRewindPatience = 5'000'000;  // on the loop's thread

Schema kept_schema(Schema schema) {
  schema.fields.push_back({std::string(kAt), kTimestamp});
  return schema;
}

}  // namespace

PlanAnswer plan_write_kafka(const PlanRequest& request) {
  const Schema& schema = request.inputs[0].schema;
  std::vector<PlanError> wrong;
  const MessageColumns columns = message_columns(request.options, schema, wrong);
  PlanAnswer answer = plan_message_sink(request, kept_schema(schema).fields, project(schema, columns.payload));
  for (PlanError& error : wrong) answer.errors.push_back(std::move(error));
  if (schema.find(kAt)) {
    answer.errors.push_back(
        {"", 0, "a column cannot be named '" + std::string(kAt) + "' here", "rename it with select"});
  }
  for (PlanError& error : check_kafka_security(request.options)) answer.errors.push_back(std::move(error));
  answer.visible = "at each checkpoint, in one transaction an instance";
  return answer;
}

Result<std::unique_ptr<Sink>> WriteKafka::make(Context& context) {
  std::vector<PlanError> errors;
  MessageColumns columns = message_columns(context.options, *context.inputs[0], errors);
  auto payload = std::make_shared<const Schema>(project(*context.inputs[0], columns.payload));
  const MessageEncoderOptions encoding = message_output_of(context.options, *payload, errors);
  if (!errors.empty()) return usage_error("option '" + errors[0].option + "': " + errors[0].message);
  return std::unique_ptr<Sink>(new WriteKafka(context, std::move(columns), encoding, std::move(payload)));
}

WriteKafka::WriteKafka(Context& context, MessageColumns columns, MessageEncoderOptions encoding, SchemaPtr payload)
    : OutboxSink(context, outbox_spec("outbox", kept_schema(*context.inputs[0]).fields)),
      context_(context),
      columns_(std::move(columns)),
      payload_schema_(std::move(payload)),
      kept_schema_(std::make_shared<const Schema>(kept_schema(*context.inputs[0]))),
      patience_(context.options.duration("patience")),
      encoder_(encoding, payload_schema_) {}

ProducerSetup WriteKafka::setup_of(std::uint32_t origin, Microseconds patience) const {
  const std::string prefix = context_.options.has("transactional-id") ? context_.options.text("transactional-id")
                                                                      : "stream." + context_.job + "." + context_.stage;
  const std::string id = supervised() ? prefix + "." + std::to_string(origin) : "";
  return {context_.options, context_.folder, context_.options.text("topic"), id, patience, context_.trouble};
}

// Rows of another instance's, after a rescale, are committed as that instance: so it is shut out, and its mark read.
Result<Producer*> WriteKafka::producer_of(std::uint32_t origin) {
  std::unique_ptr<Producer>& producer = producers_[origin];
  if (producer != nullptr) return producer.get();
  auto opened = Producer::open(setup_of(origin, patience_));
  // A topic that was there comes back when its broker does.
  if (opened.status().code() == Code::kNotFound && !topic_seen_) return usage_error(opened.status().what());
  STREAM_ASSIGN(producer, std::move(opened));
  topic_seen_ = true;
  return producer.get();
}

Status WriteKafka::begin(Epoch epoch, std::span<const Prepared> /*pending*/) {
  topic_seen_ = epoch != Epoch(0);
  return {};
}

Batch WriteKafka::kept(Batch batch) {
  ColumnBuilder at(kTimestamp, batch.rows);
  const Microseconds now = context_.clock.wall_us();
  for (std::size_t row = 0; row < batch.rows; ++row) at.append(now);
  batch.columns.push_back(at.finish());
  batch.schema = kept_schema_;
  return batch;
}

Status WriteKafka::add_rows(Producer& producer, const std::vector<Batch>& batches) {
  for (const Batch& batch : batches) {
    Batch message = batch;
    message.schema = payload_schema_;
    message.columns.clear();
    for (const std::size_t column : columns_.payload) message.columns.push_back(batch.columns[column]);
    for (std::size_t row = 0; row < batch.rows; ++row) {
      STREAM_ASSIGN(const MessageHead head, message_head(columns_, batch, row));
      STREAM_TRY(producer.add(encoder_.encode(message, row), head));
    }
  }
  return {};
}

Status WriteKafka::try_once(const Prepared& prepared, bool again) {
  const Committable committable = prepared.committable;
  STREAM_ASSIGN(Producer* const producer, producer_of(committable.origin));
  if (again) {
    STREAM_ASSIGN(const auto mark, producer->mark());
    const Microseconds age = context_.clock.wall_us() - prepared.batches.front().columns.back().value<std::int64_t>(0);
    STREAM_ASSIGN(const bool done, is_committed(mark, context_.run, committable, age));
    if (done) return {};
  }
  STREAM_TRY(producer->begin());
  STREAM_TRY(add_rows(*producer, prepared.batches));
  return producer->commit({context_.run, committable.epoch});
}

Status WriteKafka::patiently(const Prepared& prepared) {
  bool again = prepared.restored;
  return retry(*context_.trouble, context_.clock, Patience(patience_), [&] {
    Status status = try_once(prepared, std::exchange(again, true));
    if (!status.ok()) producers_.clear();
    return status;
  });
}

Status WriteKafka::make_visible(std::span<const Prepared> due) {
  for (const Prepared& prepared : due) STREAM_TRY(patiently(prepared));
  return {};
}

Status WriteKafka::write_now(const std::vector<Batch>& batches) {
  STREAM_ASSIGN(Producer* const producer, producer_of(instance()));
  STREAM_TRY(add_rows(*producer, batches));
  return producer->flush();
}

// What is committed stays: others may have read it.
Status WriteKafka::rewind(Epoch epoch) {
  STREAM_ASSIGN(const auto producer, Producer::open(setup_of(instance(), kRewindPatience)));
  STREAM_ASSIGN(const auto mark, producer->mark());
  if (!mark || mark->run != context_.run || mark->epoch <= epoch) return {};
  return failed("unable to take back what was written to topic '" + context_.options.text("topic") +
                "' since checkpoint " + std::to_string(epoch.value()));
}

}  // namespace stream
