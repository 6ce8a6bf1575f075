#include "stages/write-kafka/producer.h"

namespace stream {
namespace {

constexpr int kWaitMilliseconds = 100;
constexpr int kTopicTries = 10;
constexpr Microseconds kTopicAgainAfter = 100'000;
constexpr int kResumedMilliseconds = 1000;                 // of a call that goes on where it was when it is made again
constexpr const char* kTransactionMilliseconds = "60000";  // brokers abort what is open for longer

// The offset of one partition, which need not exist in any other sense: a place for the mark.
KafkaPartitions mark_place(const std::string& topic) {
  KafkaPartitions list(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), 0);
  return list;
}

void set_metadata(rd_kafka_topic_partition_t& place, const std::string& text) {
  place.metadata = rd_kafka_mem_malloc(nullptr, text.size());
  text.copy(static_cast<char*>(place.metadata), text.size());
  place.metadata_size = text.size();
}

struct HeadersFree {
  void operator()(rd_kafka_headers_t* headers) const { rd_kafka_headers_destroy(headers); }
};
using HeadersPtr = std::unique_ptr<rd_kafka_headers_t, HeadersFree>;

HeadersPtr headers_of(const MessageHead& head) {  // null: none
  if (head.headers.empty()) return nullptr;
  HeadersPtr out(rd_kafka_headers_new(head.headers.size()));
  for (const MessageHead::Header& header : head.headers) {
    rd_kafka_header_add(out.get(), header.name.data(), static_cast<ssize_t>(header.name.size()),
                        header.value ? header.value->data() : nullptr,
                        header.value ? static_cast<ssize_t>(header.value->size()) : 0);
  }
  return out;
}

}  // namespace

void Producer::delivered(const rd_kafka_message_t& message) {
  const bool purged = message.err == RD_KAFKA_RESP_ERR__PURGE_QUEUE || message.err == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT;
  if (message.err == RD_KAFKA_RESP_ERR_NO_ERROR || purged || !error_.ok()) return;
  error_ = kafka_error("write to topic '" + setup_.topic + "'", message.err);
}

Result<std::unique_ptr<Producer>> Producer::open(ProducerSetup setup) {
  std::unique_ptr<Producer> out(new Producer(std::move(setup)));
  STREAM_ASSIGN(KafkaSettings settings, KafkaSettings::from(out->setup_.options, out->setup_.folder));
  STREAM_TRY(settings.set("enable.idempotence", "true"));
  STREAM_TRY(settings.set("partitioner", "murmur2_random"));  // as Kafka's own clients place keys
  if (!out->setup_.id.empty()) {
    STREAM_TRY(settings.set("transactional.id", out->setup_.id));
    STREAM_TRY(settings.set("transaction.timeout.ms", kTransactionMilliseconds));
  }
  STREAM_ASSIGN(out->client_, std::move(settings).make(RD_KAFKA_PRODUCER, *out));
  STREAM_TRY(out->find_topic());
  if (out->setup_.id.empty()) return out;
  STREAM_TRY(
      out->in_steps("begin transactions as '" + out->setup_.id + "'", kResumedMilliseconds,
                    [&](int milliseconds) { return rd_kafka_init_transactions(out->client_.get(), milliseconds); }));
  return out;
}

// Asked for, it is made where the brokers are set to make topics; that takes a moment.
Status Producer::find_topic() const {
  for (int tries = 0;; ++tries) {
    const auto count = count_partitions(client_.get(), setup_.topic);
    if (count.ok()) {
      setup_.trouble->over();
      return {};
    }
    if (count.status().code() != Code::kNotFound || tries == kTopicTries) return count.status();
    if (!setup_.trouble->wait(count.status().what(), kTopicAgainAfter)) return count.status();
  }
}

Producer::~Producer() {
  if (client_ != nullptr) rd_kafka_purge(client_.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
}

// Brokers that are away are waited for, but not in one go: others hear of it, and the process may end meanwhile.
Status Producer::in_steps(const std::string& doing, int step_milliseconds, const Call& call) const {
  Patience patience(setup_.patience);
  for (;;) {
    rd_kafka_error_t* const error = call(std::min(step_milliseconds, patience_milliseconds()));
    if (error == nullptr) {
      setup_.trouble->over();
      return {};
    }
    const bool passes = rd_kafka_error_is_retriable(error) != 0;
    Status status = error_of(doing, error);
    const Microseconds now = system_clock().monotonic_us();
    if (!passes || !patience.lasts(status, now, now) || !setup_.trouble->wait(status.what(), 0)) return status;
  }
}

Status Producer::error_of(const std::string& doing, rd_kafka_error_t* error) const {
  const KafkaError owned(error);
  if (!error_.ok()) return error_;
  STREAM_TRY(refusal());
  return kafka_error(doing, rd_kafka_error_code(error), rd_kafka_error_string(error));
}

Result<std::optional<CommitMark>> Producer::mark() const {
  STREAM_ASSIGN(KafkaSettings settings, KafkaSettings::from(setup_.options, setup_.folder));
  STREAM_TRY(settings.set("group.id", setup_.id));
  STREAM_TRY(settings.set("isolation.level", "read_committed"));
  KafkaEvents events;
  STREAM_ASSIGN(const KafkaClient client, std::move(settings).make(RD_KAFKA_CONSUMER, events));
  const KafkaPartitions list = mark_place(setup_.topic);
  const rd_kafka_resp_err_t error = rd_kafka_committed(client.get(), list.get(), kKafkaAnswerMilliseconds);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
    return kafka_error(client.get(), "look up what '" + setup_.id + "' has written", error);
  const rd_kafka_topic_partition_t& place = list->elems[0];
  if (place.err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return kafka_error("look up what '" + setup_.id + "' has written", place.err);
  }
  if (place.offset < 0) return std::optional<CommitMark>();
  std::string run(static_cast<const char*>(place.metadata), place.metadata_size);
  return std::optional(CommitMark{std::move(run), Epoch(static_cast<std::uint64_t>(place.offset))});
}

Status Producer::begin() {
  rd_kafka_error_t* error = rd_kafka_begin_transaction(client_.get());
  return error == nullptr ? Status() : error_of("begin a transaction", error);
}

Status Producer::add(std::string_view payload, const MessageHead& head) {
  HeadersPtr headers = headers_of(head);
  char* const key = head.key ? const_cast<char*>(head.key->data()) : nullptr;
  const std::size_t key_size = head.key ? head.key->size() : 0;
  for (int waited = 0;; waited += kWaitMilliseconds) {
    if (!error_.ok()) return error_;
    const rd_kafka_resp_err_t error = rd_kafka_producev(
        client_.get(), RD_KAFKA_V_TOPIC(setup_.topic.c_str()), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
        RD_KAFKA_V_PARTITION(head.partition.value_or(RD_KAFKA_PARTITION_UA)),
        RD_KAFKA_V_TIMESTAMP(head.milliseconds.value_or(0)), RD_KAFKA_V_HEADERS(headers.get()),
        RD_KAFKA_V_VALUE(const_cast<char*>(payload.data()), payload.size()), RD_KAFKA_V_KEY(key, key_size),
        RD_KAFKA_V_END);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) break;
    if (error == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION && head.partition) {
      return usage_error("topic '" + setup_.topic + "' has no partition " + std::to_string(*head.partition));
    }
    const bool full = error == RD_KAFKA_RESP_ERR__QUEUE_FULL && waited < patience_milliseconds();
    if (!full) return kafka_error("write to topic '" + setup_.topic + "'", error);
    rd_kafka_poll(client_.get(), kWaitMilliseconds);
  }
  [[maybe_unused]] const auto* taken = headers.release();
  rd_kafka_poll(client_.get(), 0);
  return {};
}

Status Producer::commit(const CommitMark& mark) {
  const KafkaPartitions list = mark_place(setup_.topic);
  list->elems[0].offset = static_cast<std::int64_t>(mark.epoch.value());
  set_metadata(list->elems[0], mark.run);
  const std::unique_ptr<rd_kafka_consumer_group_metadata_t, KafkaFree> group(
      rd_kafka_consumer_group_metadata_new(setup_.id.c_str()));
  STREAM_TRY(in_steps("write the mark of a checkpoint", kKafkaAnswerMilliseconds, [&](int milliseconds) {
    return rd_kafka_send_offsets_to_transaction(client_.get(), list.get(), group.get(), milliseconds);
  }));
  STREAM_TRY(in_steps("commit to topic '" + setup_.topic + "'", kResumedMilliseconds,
                      [&](int milliseconds) { return rd_kafka_commit_transaction(client_.get(), milliseconds); }));
  return error_;
}

Status Producer::flush() {
  const rd_kafka_resp_err_t error = rd_kafka_flush(client_.get(), patience_milliseconds());
  if (!error_.ok()) return error_;
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return kafka_error("write to topic '" + setup_.topic + "'", error);
  return {};
}

}  // namespace stream
