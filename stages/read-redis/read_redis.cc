#include "stages/read-redis/read_redis.h"

#include <cstdio>

#include "stages/redis/fields.h"

namespace stream {
namespace {

constexpr std::string_view kSampleEntries = "10000";
constexpr std::size_t kSampleBytes = 1 << 20;
constexpr AboutMessage kAbout[] = {{"id", kVarchar}, {"timestamp", kTimestamp}};

// An id is two columns.
enum SplitColumn : std::size_t { kStream, kLast, kLastNumber, kRead, kEnd, kEndNumber };

TableSpec splits_spec() {
  TableSpec spec;
  spec.name = "splits";
  spec.distribution = Distribution::kSplit;
  spec.key = {{"stream", kVarchar}};
  spec.value = {
      {"last_ms", kBigint}, {"last_number", kBigint}, {"read", kBigint}, {"end_ms", kBigint}, {"end_number", kBigint}};
  return spec;
}

// What MessageRows is asked for: without 'payload' the fields, as a format of texts.
Values message_values(Values options) {
  if (!options.has("payload")) {
    options.set("format", std::string("logfmt"));
  } else if (!options.has("format")) {
    options.set("format", std::string("json"));
  }
  return options;
}

Status sample(const PlanRequest& request, const FormatOptions& format, InputBuffer& to) {
  STREAM_ASSIGN(const auto connection, RedisConnection::open(request.options, request.folder));
  const std::string& stream = request.options.text("stream");
  STREAM_ASSIGN(const RedisReply reply, connection->ask({"XRANGE", stream, "-", "+", "COUNT", kSampleEntries}));
  for (const redisReply* entry : redis_items(*reply)) {
    if (to.bytes().size() >= kSampleBytes) break;
    if (request.options.has("payload")) {
      const redisReply* field = field_of(*entry, request.options.text("payload"));
      if (field != nullptr) append_message(format, redis_text(*field), to);
    } else if (const auto record = fields_record(*entry); record.ok()) {
      append_message(format, *record, to);
    }
  }
  if (!to.bytes().empty()) return {};
  return {Code::kNotFound, "stream '" + stream + "' has no entry yet to find the schema in"};
}

}  // namespace

PlanAnswer plan_read_redis(const PlanRequest& request) {
  PlanAnswer wrong;
  wrong.errors = check_redis_server(request.options);
  if (!request.options.has("payload") && request.options.has("format")) {
    wrong.errors.push_back({"format", 0, "without 'payload' the fields of an entry are the columns",
                            "name the field that holds a message"});
  }
  if (!wrong.errors.empty()) return wrong;
  const Values options = message_values(request.options);
  const PlanRequest asked{options,       request.inputs,    request.folder, request.parallelism,
                          request.stage, request.supervised};
  const auto sampler = [&](const FormatOptions& format, InputBuffer& to) { return sample(request, format, to); };
  PlanAnswer answer = plan_message_source(asked, {kAbout, sampler});
  answer.state.push_back(splits_spec());
  answer.parallelism_max = 1;
  answer.parallelism_why = "a stream has one order, in which one instance reads it";
  return answer;
}

Result<std::unique_ptr<Source>> ReadRedis::make(Context& context) {
  STREAM_ASSIGN(const StartAt start, parse_start(context.options.text("start")));
  std::unique_ptr<ReadRedis> source(new ReadRedis(context, start));
  STREAM_ASSIGN(source->rows_, MessageRows::make(context, message_values(context.options), kAbout));
  return std::unique_ptr<Source>(std::move(source));
}

ReadRedis::ReadRedis(Context& context, StartAt start)
    : context_(context),
      stream_(context.options.text("stream")),
      payload_(context.options.text("payload")),
      start_(start),
      table_(context.state.table(splits_spec())),
      reader_([&context] { return RedisConnection::open(context.options, context.folder); }, stream_,
              context.options.duration("patience"), context.clock) {}

Status ReadRedis::on_restored() {
  progress_.stop_at_end(context_.options.flag("stop-at-end"));
  const Row row = table_.find({std::string_view(stream_)});
  if (!row) return {};
  const auto id = [&](SplitColumn column) {
    return EntryId{static_cast<std::uint64_t>(table_.get<std::int64_t>(row, column)),
                   static_cast<std::uint64_t>(table_.get<std::int64_t>(row, column + 1))};
  };
  progress_.restore(id(kLast), table_.get<std::int64_t>(row, kRead), id(kEnd));
  return {};
}

// Where reading begins, or that it is still the stream that was read.
Status ReadRedis::locate(const RedisStreamInfo& info) {
  if (!info.there && !missed_ && progress_.read() == 0) {
    missed_ = true;
    std::fprintf(stderr, "stream-read-redis: warning: there is no stream '%s' yet\n", stream_.c_str());
  }
  if (!progress_.begun()) progress_.begin(info, start_, context_.options.flag("stop-at-end"));
  return progress_.check(stream_, info);
}

Status ReadRedis::add(const redisReply& entry, Emitter& out) {
  const EntryId id = entry_id_of(entry);
  const std::string text = to_string(id);
  const std::function<std::string()> position = [&] { return stream_ + ":" + text; };
  // Whoever adds an entry may say any time.
  Microseconds time = 0;
  const bool out_of_range = __builtin_mul_overflow(id.milliseconds, 1000, &time);
  const MessageValue about[] = {std::string_view(text), out_of_range ? MessageValue() : time};
  if (!payload_.empty()) {
    const redisReply* field = field_of(entry, payload_);
    if (field == nullptr) return rows_->bad("the entry has no field '" + payload_ + "'", position(), out);
    return rows_->add(redis_text(*field), about, position, out);
  }
  const auto record = fields_record(entry);
  if (!record.ok()) return rows_->bad(record.status().what(), position(), out);
  return rows_->add(*record, about, position, out);
}

// True: nothing behind the picture is wanted.
Result<bool> ReadRedis::take(const EntryReader::Picture& picture, Emitter& out) {
  const EntryId behind = progress_.last();
  std::size_t count = picture.entries.size();
  while (count > 0 && progress_.beyond_end(entry_id_of(*picture.entries[count - 1]))) --count;
  const bool beyond = count < picture.entries.size();
  const EntryId to = count > 0 ? entry_id_of(*picture.entries[count - 1]) : EntryId{};
  const std::int64_t removed = progress_.took(picture.info, count, to, picture.all && !beyond);
  if (removed > 0) {
    STREAM_TRY(rows_->bad(std::to_string(removed) + " entries were removed from the stream before they were read",
                          stream_ + ":" + to_string(behind), out));
  }
  for (const redisReply* entry : picture.entries.first(count)) STREAM_TRY(add(*entry, out));
  return progress_.ended(picture.all || beyond);
}

Result<Source::Poll> ReadRedis::poll(Emitter& out) {
  STREAM_ASSIGN(auto picture, reader_.poll(progress_.last()));
  if (!picture) return Poll::kIdle;
  const bool first = !progress_.begun();
  STREAM_TRY(locate(picture->info));
  // Where reading begins is known only now: what was got with it may lie before that.
  if (first && progress_.last() != EntryId{}) return progress_.ended(false) ? Poll::kEnd : Poll::kMore;
  auto ended = take(*picture, out);
  // A bad record that ends the stage takes nothing with it that came before.
  if (ended.ok() || ended.status().code() == Code::kBadRecord) STREAM_TRY(rows_->flush(out));
  if (!ended.ok()) return std::move(ended).status();
  return *ended ? Poll::kEnd : Poll::kMore;
}

Status ReadRedis::before_snapshot() {
  if (!progress_.begun()) return {};
  const Row row = table_.upsert({std::string_view(stream_)}).first;
  const auto set_id = [&](SplitColumn column, EntryId id) {
    table_.set(row, column, static_cast<std::int64_t>(id.milliseconds));
    table_.set(row, column + 1, static_cast<std::int64_t>(id.number));
  };
  set_id(kLast, progress_.last());
  table_.set(row, kRead, progress_.read());
  set_id(kEnd, progress_.end());
  return {};
}

}  // namespace stream
