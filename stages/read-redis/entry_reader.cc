#include "stages/read-redis/entry_reader.h"

namespace stream {
namespace {

constexpr std::size_t kEntriesAtOnce = 1000;
constexpr std::size_t kPictureAnswers = 4;              // MULTI, two times QUEUED, EXEC
constexpr std::string_view kWaitMilliseconds = "1000";  // then the stream is looked at again
constexpr Microseconds kRetryAfter = 100'000;

EntryId id_in(const redisReply& reply) { return parse_entry_id(redis_text(reply)).value_or(EntryId{}); }

// The entries in the answer of XREAD of one stream.
std::span<redisReply* const> entries_in(const redisReply& read) {
  const auto streams = redis_items(read);
  if (streams.empty()) return {};
  const auto parts = redis_items(*streams[0]);
  return parts.size() == 2 ? redis_items(*parts[1]) : std::span<redisReply* const>();
}

}  // namespace

EntryId entry_id_of(const redisReply& entry) {
  const auto parts = redis_items(entry);
  return parts.empty() ? EntryId{} : id_in(*parts[0]);
}

Result<RedisStreamInfo> redis_stream_info(const redisReply& reply) {
  RedisStreamInfo info;
  if (reply.type == REDIS_REPLY_ERROR) {
    if (redis_text(reply).find("no such key") != std::string_view::npos) return info;
    return redis_error(reply);
  }
  info.there = true;
  info.added = -1;
  const auto items = redis_items(reply);
  for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
    const std::string_view name = redis_text(*items[i]);
    if (name == "length") info.length = items[i + 1]->integer;
    if (name == "entries-added") info.added = items[i + 1]->integer;
    if (name == "last-generated-id") info.last = id_in(*items[i + 1]);
    if (name == "recorded-first-entry-id") info.first = id_in(*items[i + 1]);
  }
  if (info.added < 0)
    return usage_error("the server does not count the entries of a stream: it must be Redis 7.0 or newer");
  return info;
}

// Entries and numbers of one moment.
Status EntryReader::ask_picture(EntryId last) {
  const std::string id = to_string(last);
  STREAM_TRY(connection_->append({"MULTI"}));
  STREAM_TRY(connection_->append({"XREAD", "COUNT", std::to_string(kEntriesAtOnce), "STREAMS", stream_, id}));
  STREAM_TRY(connection_->append({"XINFO", "STREAM", stream_}));
  STREAM_TRY(connection_->append({"EXEC"}));
  asked_ = Asked::kPicture;
  answers_left_ = kPictureAnswers;
  return connection_->flush();
}

Status EntryReader::ask_what_comes(EntryId last) {
  STREAM_TRY(
      connection_->append({"XREAD", "COUNT", "1", "BLOCK", kWaitMilliseconds, "STREAMS", stream_, to_string(last)}));
  asked_ = Asked::kWhatComes;
  return connection_->flush();
}

Result<std::optional<EntryReader::Picture>> EntryReader::step(EntryId last) {
  if (connection_ == nullptr) {
    STREAM_ASSIGN(connection_, connect_());
    asked_ = Asked::kNothing;
    caught_up_ = false;
  }
  if (asked_ == Asked::kNothing) STREAM_TRY(caught_up_ ? ask_what_comes(last) : ask_picture(last));
  RedisReply reply;
  do {
    STREAM_ASSIGN(reply, connection_->arrived());
    if (reply == nullptr) return std::optional<Picture>();
    patience_.succeeded();
  } while (asked_ == Asked::kPicture && --answers_left_ > 0);
  const bool woken = asked_ == Asked::kWhatComes;
  asked_ = Asked::kNothing;
  if (woken) {
    caught_up_ = false;
    return step(last);
  }
  const auto parts = redis_items(*reply);
  if (parts.size() != 2) return failed("the server answers what was not asked");
  if (parts[0]->type == REDIS_REPLY_ERROR) return redis_error(*parts[0]);
  Picture out;
  out.entries = entries_in(*parts[0]);
  STREAM_ASSIGN(out.info, redis_stream_info(*parts[1]));
  out.all = caught_up_ = out.entries.size() < kEntriesAtOnce;
  out.reply = std::move(reply);
  return std::optional(std::move(out));
}

Result<std::optional<EntryReader::Picture>> EntryReader::poll(EntryId last) {
  const Microseconds now = clock_.monotonic_us();
  if (connection_ == nullptr && now < retry_at_) return std::optional<Picture>();
  auto picture = step(last);
  if (picture.ok()) return picture;
  connection_.reset();
  retry_at_ = now + kRetryAfter;
  if (!patience_.lasts(picture.status(), now, retry_at_)) return picture;
  return std::optional<Picture>();
}

}  // namespace stream
