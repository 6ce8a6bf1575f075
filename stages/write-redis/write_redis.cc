#include "stages/write-redis/write_redis.h"

#include <deque>

#include "stages/format/print_value.h"
#include "stages/kit/retry.h"

namespace stream {
namespace {

constexpr std::size_t kUnderWay = 1000;    // commands whose answers are not yet read
constexpr std::int64_t kMarksKept = 1000;  // epochs

std::string mark_of(Committable committable) {
  return std::to_string(committable.epoch.value()) + "/" + std::to_string(committable.origin);
}

void check_payload(const Values& options, std::vector<PlanError>& errors) {
  if (!options.has("payload") && options.has("format")) {
    errors.push_back({"format", 0, "without 'payload' each column becomes a field", "name the field for the message"});
  }
  if (options.has("maxlen") && options.integer("maxlen") < 1) {
    errors.push_back({"maxlen", 0, "a stream that keeps nothing has no reader", "give a number from 1 on"});
  }
}

Values encoding_values(Values options) {
  if (!options.has("format")) options.set("format", std::string("json"));
  return options;
}

}  // namespace

PlanAnswer plan_write_redis(const PlanRequest& request) {
  const Values options = encoding_values(request.options);
  const PlanRequest asked{options,       request.inputs,    request.folder, request.parallelism,
                          request.stage, request.supervised};
  PlanAnswer answer = plan_message_sink(asked, request.inputs[0].schema.fields);
  check_payload(request.options, answer.errors);
  const Schema& schema = request.inputs[0].schema;
  if (schema.changelog == Changelog::kUpdates && schema.find("_op")) {
    answer.errors.push_back({"", 0, "a column cannot be named '_op' in a stream of changes", "rename it with select"});
  }
  for (PlanError& error : check_redis_server(request.options)) answer.errors.push_back(std::move(error));
  answer.visible = "all at once, behind each checkpoint";
  return answer;
}

Result<std::unique_ptr<Sink>> WriteRedis::make(Context& context) {
  std::vector<PlanError> errors;
  const MessageEncoderOptions encoding =
      message_output_of(encoding_values(context.options), *context.inputs[0], errors);
  if (!errors.empty()) return usage_error("option '" + errors[0].option + "': " + errors[0].message);
  std::unique_ptr<WriteRedis> sink(new WriteRedis(context, encoding));
  if (!context.supervised) STREAM_TRY(sink->connect());
  return std::unique_ptr<Sink>(std::move(sink));
}

WriteRedis::WriteRedis(Context& context, MessageEncoderOptions encoding)
    : OutboxSink(context, outbox_spec("outbox", context.inputs[0]->fields)),
      context_(context),
      schema_(context.inputs[0]),
      stream_(context.options.text("stream")),
      payload_(context.options.text("payload")),
      marks_(stream_ + ":stream_commits:" + context.run + ":" + context.stage),
      maxlen_(context.options.text("maxlen")),
      patience_(context.options.duration("patience")),
      encoder_(encoding, schema_),
      row_kinds_(encoding.row_kinds) {}

Status WriteRedis::connect() {
  if (connection_ != nullptr) return {};
  unanswered_ = 0;
  STREAM_ASSIGN(connection_, RedisConnection::open(context_.options, context_.folder));
  return {};
}

Status WriteRedis::begin(Epoch /*epoch*/, std::span<const Prepared> /*pending*/) { return connect(); }

Status WriteRedis::answers() {
  for (; unanswered_ > 0; --unanswered_) STREAM_TRY(connection_->answer().status());
  return {};
}

Status WriteRedis::add_row(const Batch& batch, std::size_t row) {
  std::vector<std::string_view> words = {"XADD", stream_};
  if (!maxlen_.empty()) words.insert(words.end(), {"MAXLEN", "~", maxlen_});
  words.emplace_back("*");
  std::deque<std::string> texts;  // that the words point into
  const auto add = [&](std::string_view name, std::string_view value) { words.insert(words.end(), {name, value}); };
  if (!payload_.empty()) {
    add(payload_, encoder_.encode(batch, row));
  } else {
    if (row_kinds_) add("_op", row_kind_name(batch.kind(row)));
    const std::size_t fixed = words.size();
    for (std::size_t i = 0; i < schema_->fields.size(); ++i) {
      const Column& column = batch.columns[i];
      if (!column.valid(row)) continue;
      std::string& text = texts.emplace_back(format::printed_size(column, row), '\0');
      text.resize(static_cast<std::size_t>(format::print_value(text.data(), column, row) - text.data()));
      add(schema_->fields[i].name, text);
    }
    if (words.size() == fixed) add(schema_->fields[0].name, "");  // an entry has a field
  }
  ++unanswered_;
  return connection_->append(words);
}

Status WriteRedis::add_rows(std::span<const Batch> batches) {
  for (const Batch& batch : batches) {
    for (std::size_t row = 0; row < batch.rows; ++row) {
      STREAM_TRY(add_row(batch, row));
      if (unanswered_ >= kUnderWay) STREAM_TRY(answers());
    }
  }
  return answers();
}

Result<bool> WriteRedis::known(Committable committable) {
  STREAM_ASSIGN(const RedisReply score, connection_->ask({"ZSCORE", marks_, mark_of(committable)}));
  return score->type != REDIS_REPLY_NIL;
}

Status WriteRedis::add_mark(Committable committable) {
  const auto epoch = static_cast<std::int64_t>(committable.epoch.value());
  const std::string mark = mark_of(committable);
  STREAM_TRY(connection_->append({"ZADD", marks_, std::to_string(epoch), mark}));
  STREAM_TRY(connection_->append({"ZREMRANGEBYSCORE", marks_, "-inf", std::to_string(epoch - kMarksKept)}));
  STREAM_TRY(connection_->append({"SET", marks_ + ":" + std::to_string(committable.origin), mark}));
  unanswered_ += 3;
  return answers();
}

Status WriteRedis::try_once(const Prepared& prepared) {
  STREAM_TRY(connect());
  const std::string guard = marks_ + ":" + std::to_string(prepared.committable.origin);
  STREAM_TRY(connection_->ask({"WATCH", guard}).status());
  STREAM_ASSIGN(const bool there, known(prepared.committable));
  if (there) return connection_->ask({"UNWATCH"}).status();
  STREAM_TRY(connection_->ask({"MULTI"}).status());
  STREAM_TRY(add_rows(prepared.batches));
  STREAM_TRY(add_mark(prepared.committable));
  STREAM_ASSIGN(const RedisReply done, connection_->ask({"EXEC"}));
  if (done->type == REDIS_REPLY_NIL) return failed("a transaction that was on its way still has come first");
  for (const redisReply* each : redis_items(*done)) {
    if (each->type == REDIS_REPLY_ERROR) return redis_error(*each);
  }
  return {};
}

Status WriteRedis::patiently(const Prepared& prepared) {
  return retry(*context_.trouble, context_.clock, Patience(patience_), [&] {
    Status status = try_once(prepared);
    if (!status.ok()) connection_.reset();
    return status;
  });
}

Status WriteRedis::make_visible(std::span<const Prepared> due) {
  for (const Prepared& prepared : due) STREAM_TRY(patiently(prepared));
  return {};
}

Status WriteRedis::write_now(const std::vector<Batch>& batches) { return add_rows(batches); }

// Entries may have been read by others, so none is taken back.
Status WriteRedis::rewind(Epoch epoch) {
  STREAM_TRY(connect());
  const std::string after = "(" + std::to_string(epoch.value());
  STREAM_ASSIGN(const RedisReply count, connection_->ask({"ZCOUNT", marks_, after, "+inf"}));
  if (count->integer == 0) return {};
  return failed("unable to take back what was added to stream '" + stream_ + "' since checkpoint " +
                std::to_string(epoch.value()));
}

}  // namespace stream
