// ReadKafka: the source behind stream-read-kafka.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "stages/kit/patience.h"
#include "stages/read-kafka/discovery.h"
#include "stages/read-kafka/partition_reader.h"
#include "transport/base/worker.h"

namespace stream {

PlanAnswer plan_read_kafka(const PlanRequest& request);

class ReadKafka final : public Source {
 public:
  static Result<std::unique_ptr<Source>> make(Context& context);
  ~ReadKafka() override;

  Result<Poll> poll(Emitter& out) override;
  SplitView split() const override;
  bool split_open(std::uint64_t split) const override;
  int wake_fd() const override { return epoll_; }
  Microseconds idle_wait() const override { return 250'000; }
  std::optional<std::uint64_t> pending_records() override;
  Status on_restored() override;
  Status before_snapshot() override;
  Status on_complete(Epoch epoch) override;

 private:
  explicit ReadKafka(Context& context);
  Status open();
  Status start();
  Status add_partition(PartitionPosition position, std::int64_t high);
  Search next_search() const;
  void search_when_due();
  Status searched(Status status);
  void repair(PartitionReader& partition);
  Result<bool> read_next(Emitter& out);
  Status add(const PartitionReader& partition, const rd_kafka_message_t& message, Emitter& out);
  bool ended() const;

  Context& context_;
  PositionTables tables_;
  StartAt start_;
  const bool stop_at_end_;
  const bool headers_asked_;
  const Microseconds discover_every_;
  Patience patience_;
  std::unique_ptr<MessageRows> rows_;

  int wake_fd_;  // raised by queues of partitions
  int epoll_;    // wake_fd_ or the worker
  KafkaEvents events_;
  KafkaClient client_;
  std::vector<std::unique_ptr<PartitionReader>> partitions_;
  std::size_t turn_ = 0;
  std::uint64_t current_ = 0;                 // split of the last rows
  std::vector<PartitionPosition> positions_;  // restored, until it starts
  FirstPartitions first_;

  Emitter* out_ = nullptr;  // of the running poll()
  std::optional<Microseconds> searched_at_;
  bool found_once_ = false;
  bool searching_ = false;
  Worker worker_;  // its thread uses client_ alone; ends before it
};

}  // namespace stream
