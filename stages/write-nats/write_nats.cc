#include "stages/write-nats/write_nats.h"

#include <utility>

#include "stages/kit/retry.h"

namespace stream {
namespace {

constexpr std::string_view kAfter = "_stream_after";  // what the stream had reached when the row was prepared
constexpr std::string_view kAt = "_stream_at";        // when
constexpr Microseconds kWindowMin = 10'000'000;       // what is under way must have arrived by then
constexpr int kScanAtOnce = 1000;

Schema kept_schema(Schema schema) {
  schema.fields.push_back({std::string(kAfter), kBigint});
  schema.fields.push_back({std::string(kAt), kTimestamp});
  return schema;
}

template <class Value>
Column repeated(Type type, Value value, std::size_t rows) {
  ColumnBuilder column(type, rows);
  for (std::size_t row = 0; row < rows; ++row) column.append(value);
  return column.finish();
}

}  // namespace

PlanAnswer plan_write_nats(const PlanRequest& request) {
  const Schema& schema = request.inputs[0].schema;
  PlanAnswer answer = plan_message_sink(request, kept_schema(schema).fields);
  for (const std::string_view name : {kAfter, kAt}) {
    if (!schema.find(name)) continue;
    answer.errors.push_back(
        {"", 0, "a column cannot be named '" + std::string(name) + "' here", "rename it with select"});
  }
  if (request.options.text("subject").find_first_of("*> \t") != std::string::npos) {
    answer.errors.push_back({"subject", 0,
                             "messages have one subject; '" + request.options.text("subject") + "' is none",
                             "leave out wildcards and blanks"});
  }
  for (PlanError& error : check_nats_servers(request.options)) answer.errors.push_back(std::move(error));
  answer.visible = "one by one, behind each checkpoint";
  return answer;
}

Result<std::unique_ptr<Sink>> WriteNats::make(Context& context) {
  std::vector<PlanError> errors;
  const MessageEncoderOptions encoding = message_output_of(context.options, *context.inputs[0], errors);
  if (!errors.empty()) return usage_error("option '" + errors[0].option + "': " + errors[0].message);
  std::unique_ptr<WriteNats> sink(new WriteNats(context, encoding));
  if (!context.supervised) STREAM_TRY(sink->connect());
  return std::unique_ptr<Sink>(std::move(sink));
}

WriteNats::WriteNats(Context& context, MessageEncoderOptions encoding)
    : OutboxSink(context, outbox_spec("outbox", kept_schema(*context.inputs[0]).fields)),
      context_(context),
      schema_(context.inputs[0]),
      kept_schema_(std::make_shared<const Schema>(kept_schema(*schema_))),
      patience_(context.options.duration("patience")),
      encoder_(encoding, schema_),
      ids_(context.run, context.stage) {}

Status WriteNats::connect() {
  if (publisher_ != nullptr) return {};
  STREAM_ASSIGN(auto connection, NatsConnection::open(context_.options, context_.folder));
  const std::string& subject = context_.options.text("subject");
  auto name = connection->stream_of(subject);
  if (!name.ok() && name.status().code() == Code::kNotFound) {
    return usage_error(name.status().what() + "; make one, as with 'nats stream add'");
  }
  if (!name.ok()) return std::move(name).status();
  STREAM_ASSIGN(stream_, connection->stream(*name));
  STREAM_ASSIGN(publisher_, Publisher::open(std::move(connection), subject, patience_));
  return supervised() ? check_stream() : Status();
}

Status WriteNats::check_stream() {
  if (stream_.duplicates >= kWindowMin) return {};
  return usage_error("the duplicate window of stream '" + stream_.name +
                     "' is shorter than 10s: a message under way when a connection is lost could be stored twice; "
                     "set it to 2m");
}

Status WriteNats::begin(Epoch /*epoch*/, std::span<const Prepared> /*pending*/) {
  STREAM_TRY(connect());
  reached_ = stream_.last;
  return {};
}

Batch WriteNats::kept(Batch batch) {
  batch.columns.push_back(repeated(kBigint, static_cast<std::int64_t>(reached_.load()), batch.rows));
  batch.columns.push_back(repeated(kTimestamp, context_.clock.wall_us(), batch.rows));
  batch.schema = kept_schema_;
  return batch;
}

Result<std::set<std::uint64_t>> WriteNats::stored(const Prepared& prepared) {
  const Batch& first = prepared.batches.front();
  const auto after = static_cast<std::uint64_t>(first.columns[first.columns.size() - 2].value<std::int64_t>(0));
  const Microseconds age = context_.clock.wall_us() - first.columns.back().value<std::int64_t>(0);
  const NatsConnection& connection = publisher_->connection();
  STREAM_ASSIGN(stream_, connection.stream(stream_.name));
  const bool all_there = stream_.keeps_what_is_read && !stream_.limited_by_subject && stream_.first <= after + 1;
  if (!all_there && age >= stream_.duplicates && !duplicates_accepted_) {
    return usage_error("unable to tell which rows of checkpoint " + std::to_string(prepared.committable.epoch.value()) +
                       " are in stream '" + stream_.name +
                       "': it has let messages go since, and its duplicate window is over");
  }
  std::set<std::uint64_t> rows;
  if (stream_.last <= after) return rows;
  const std::string& subject = context_.options.text("subject");
  STREAM_ASSIGN(const auto puller, NatsPuller::open(connection, {stream_.name, subject, after + 1, 0, true}));
  for (std::uint64_t left = puller->waiting(); left > 0;) {
    STREAM_ASSIGN(const std::vector<NatsMessage> messages, puller->fetch(kScanAtOnce, patience_));
    if (messages.empty()) return failed("unable to look through stream '" + stream_.name + "': no answer");
    left = messages.back().behind;
    for (const NatsMessage& message : messages) {
      if (const auto row = ids_.row_of(prepared.committable, message.id())) rows.insert(*row);
    }
  }
  return rows;
}

Status WriteNats::try_once(const Prepared& prepared, bool again) {
  STREAM_TRY(connect());
  std::set<std::uint64_t> there;
  if (again) { STREAM_ASSIGN(there, stored(prepared)); }
  std::uint64_t number = 0;
  for (const Batch& batch : prepared.batches) {
    Batch rows = batch;
    rows.columns.resize(schema_->fields.size());
    rows.schema = schema_;
    for (std::size_t row = 0; row < rows.rows; ++row, ++number) {
      if (there.contains(number)) continue;
      STREAM_TRY(publisher_->publish(encoder_.encode(rows, row), ids_.id(prepared.committable, number)));
    }
  }
  STREAM_TRY(publisher_->finish());
  reached_ = std::max(reached_.load(), publisher_->last_sequence());
  return {};
}

Status WriteNats::patiently(const Prepared& prepared) {
  bool again = prepared.restored;
  return retry(*context_.trouble, context_.clock, Patience(patience_), [&] {
    Status status = try_once(prepared, std::exchange(again, true));
    if (!status.ok()) publisher_.reset();
    return status;
  });
}

Status WriteNats::make_visible(std::span<const Prepared> due) {
  for (const Prepared& prepared : due) STREAM_TRY(patiently(prepared));
  return {};
}

Status WriteNats::write_now(const std::vector<Batch>& batches) {
  for (const Batch& batch : batches) {
    for (std::size_t row = 0; row < batch.rows; ++row) STREAM_TRY(publisher_->publish(encoder_.encode(batch, row), ""));
  }
  return publisher_->finish();
}

// Messages may have been read by others, so none is taken back.
Status WriteNats::rewind(Epoch epoch) {
  STREAM_TRY(connect());
  const std::string& subject = context_.options.text("subject");
  STREAM_ASSIGN(const auto puller, NatsPuller::open(publisher_->connection(), {stream_.name, subject, 0, 0, true}));
  for (std::uint64_t left = puller->waiting(); left > 0;) {
    STREAM_ASSIGN(const std::vector<NatsMessage> messages, puller->fetch(kScanAtOnce, patience_));
    if (messages.empty()) return failed("unable to look through stream '" + stream_.name + "': no answer");
    left = messages.back().behind;
    for (const NatsMessage& message : messages) {
      const auto written = ids_.epoch_of(message.id());
      if (!written || *written <= epoch) continue;
      return failed("unable to take back what was published to '" + subject + "' since checkpoint " +
                    std::to_string(epoch.value()));
    }
  }
  return {};
}

}  // namespace stream
