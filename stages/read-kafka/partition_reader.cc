#include "stages/read-kafka/partition_reader.h"

#include <algorithm>
#include <array>
#include <memory>

#include "snapshot/split_hash.h"

namespace stream {
namespace {

constexpr std::size_t kMessagesAtOnce = 2048;
constexpr std::uint64_t kWake = 1;  // as an eventfd takes it

}  // namespace

PartitionReader::PartitionReader(rd_kafka_t* client, PartitionPosition position, std::int64_t high, bool stop_at_end,
                                 int wake_fd)
    : client_(client),
      position_(std::move(position)),
      high_(high),
      stop_at_end_(stop_at_end),
      wake_fd_(wake_fd),
      split_(split_hash(position_.topic, position_.partition)),
      topic_(rd_kafka_topic_new(client, position_.topic.c_str(), nullptr)) {}

PartitionReader::~PartitionReader() { stop(); }

std::string PartitionReader::at(std::int64_t offset) const {
  return position_.topic + "/" + std::to_string(position_.partition) + "@" + std::to_string(offset);
}

Status PartitionReader::start() {
  if (ended()) return {};
  if (rd_kafka_consume_start(topic_.get(), position_.partition, position_.next) != 0) {
    return kafka_error("read " + at(position_.next), rd_kafka_last_error());
  }
  started_ = true;
  queue_.reset(rd_kafka_queue_get_partition(client_, position_.topic.c_str(), position_.partition));
  if (queue_ != nullptr) rd_kafka_queue_io_event_enable(queue_.get(), wake_fd_, &kWake, sizeof kWake);
  return {};
}

void PartitionReader::stop() {
  if (!started_) return;
  if (queue_ != nullptr) rd_kafka_queue_io_event_enable(queue_.get(), -1, nullptr, 0);
  queue_.reset();
  rd_kafka_consume_stop(topic_.get(), position_.partition);
  started_ = false;
}

Status PartitionReader::go_on_at(std::int64_t offset) {
  stop();
  out_of_range_ = false;
  position_.next = offset;
  return start();
}

Status PartitionReader::take(const rd_kafka_message_t& message, const OnMessage& on_message) {
  switch (message.err) {
    case RD_KAFKA_RESP_ERR_NO_ERROR: break;
    case RD_KAFKA_RESP_ERR__PARTITION_EOF: at_end_ = message.offset >= position_.end; return {};
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE: out_of_range_ = true; return {};
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR__TIMED_OUT: return {};  // the client goes on by itself, and discovery loses patience
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC: return {};  // while a broker starts; discovery finds what is gone
    default: return kafka_error("read " + at(position_.next), message.err);
  }
  if (message.offset < position_.next || ended()) return {};
  STREAM_TRY(on_message(message));
  position_.next = message.offset + 1;
  begun_ = true;
  return {};
}

Result<bool> PartitionReader::read(const OnMessage& on_message, int wait_milliseconds) {
  if (!started_) return false;
  std::array<rd_kafka_message_t*, kMessagesAtOnce> messages;
  const ssize_t count =
      rd_kafka_consume_batch(topic_.get(), position_.partition, wait_milliseconds, messages.data(), messages.size());
  if (count < 0) return kafka_error("read " + at(position_.next), rd_kafka_last_error());
  Status status;
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
    const KafkaMessage message(messages[i]);
    if (status.ok()) status = take(*message, on_message);
  }
  if (!status.ok()) return status;
  if (ended()) stop();
  return count > 0;
}

std::uint64_t PartitionReader::pending() const {
  std::int64_t oldest = 0;
  std::int64_t high = high_;
  const bool told = rd_kafka_get_watermark_offsets(client_, position_.topic.c_str(), position_.partition, &oldest,
                                                   &high) == RD_KAFKA_RESP_ERR_NO_ERROR;
  if (!told || high < high_) high = high_;  // nothing was fetched yet
  if (stop_at_end_) high = std::min(high, position_.end);
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, high - position_.next));
}

}  // namespace stream
