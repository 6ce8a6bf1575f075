// PartitionReader: one partition being read, through librdkafka's own queue for it.
#pragma once

#include <functional>

#include "stages/kafka/client.h"
#include "stages/read-kafka/positions.h"

namespace stream {

class PartitionReader {
 public:
  // `wake_fd`: an eventfd that is raised when there is something to read.
  PartitionReader(rd_kafka_t* client, PartitionPosition position, std::int64_t high, bool stop_at_end, int wake_fd);
  ~PartitionReader();
  PartitionReader(const PartitionReader&) = delete;
  PartitionReader& operator=(const PartitionReader&) = delete;

  // Begins at position().next. Errors: kFailed.
  Status start();

  using OnMessage = std::function<Status(const rd_kafka_message_t&)>;
  // Takes what is there, or what comes within the wait. False: nothing was. A message whose handler fails is the last.
  Result<bool> read(const OnMessage& on_message, int wait_milliseconds = 0);

  // The oldest messages are gone: the offset that is wanted is not kept any more. See go_on_at().
  bool out_of_range() const { return out_of_range_; }
  Status go_on_at(std::int64_t offset);

  const PartitionPosition& position() const { return position_; }
  std::uint64_t split() const { return split_; }
  bool ended() const { return stop_at_end_ && (at_end_ || position_.next >= position_.end); }
  // Behind its position, by what the broker has said last.
  std::uint64_t pending() const;
  // Not yet begun, though there is something in it.
  bool unread() const { return !begun_ && position_.next < high_; }
  std::string at(std::int64_t offset) const;  // "topic/3@17"

 private:
  void stop();
  Status take(const rd_kafka_message_t& message, const OnMessage& on_message);

  rd_kafka_t* client_;
  PartitionPosition position_;
  const std::int64_t high_;
  const bool stop_at_end_;
  const int wake_fd_;
  const std::uint64_t split_;
  KafkaTopic topic_;
  KafkaQueue queue_;
  bool started_ = false;
  bool begun_ = false;
  bool at_end_ = false;
  bool out_of_range_ = false;
};

}  // namespace stream
