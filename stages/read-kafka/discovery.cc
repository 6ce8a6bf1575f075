#include "stages/read-kafka/discovery.h"

namespace stream {
namespace {

// The offset of the first message at or behind a time; `high` if there is none.
Result<std::int64_t> offset_at(rd_kafka_t* client, const PartitionPosition& at, Microseconds time, std::int64_t high) {
  const KafkaPartitions list(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(list.get(), at.topic.c_str(), at.partition)->offset = time / 1000;
  const rd_kafka_resp_err_t error = rd_kafka_offsets_for_times(client, list.get(), kKafkaAnswerMilliseconds);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return kafka_error(client, "find a time in topic '" + at.topic + "'", error);
  const std::int64_t offset = list->elems[0].offset;
  return offset < 0 ? high : offset;
}

Result<FoundPartition> look_at(rd_kafka_t* client, const std::string& topic, std::int32_t partition, StartAt start) {
  STREAM_ASSIGN(const OffsetRange range, offset_range(client, topic, partition));
  FoundPartition out{{topic, partition, range.low, range.high}, range.high};
  if (start.kind == StartAt::Kind::kLatest) out.position.next = range.high;
  if (start.kind == StartAt::Kind::kTime) {
    STREAM_ASSIGN(out.position.next, offset_at(client, out.position, start.time, range.high));
  }
  return out;
}

}  // namespace

std::vector<std::int32_t> new_partitions(const Search& search, const std::string& topic, std::int32_t count) {
  std::vector<std::int32_t> out;
  for (std::int32_t partition = 0; partition < count; ++partition) {
    if (partition_owner(topic, partition, search.parallelism) != search.instance) continue;
    if (!search.known.contains({topic, partition})) out.push_back(partition);
  }
  return out;
}

Result<OffsetRange> offset_range(rd_kafka_t* client, const std::string& topic, std::int32_t partition) {
  OffsetRange out;
  const rd_kafka_resp_err_t error =
      rd_kafka_query_watermark_offsets(client, topic.c_str(), partition, &out.low, &out.high, kKafkaAnswerMilliseconds);
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return out;
  return kafka_error(client, "look at partition " + std::to_string(partition) + " of topic '" + topic + "'", error);
}

Result<Found> discover(rd_kafka_t* client, const Search& search) {
  Found out;
  out.first = search.first;
  for (const std::string& topic : search.topics) {
    STREAM_ASSIGN(const std::int32_t count, count_partitions(client, topic));
    const std::int32_t first = out.first.emplace(topic, count).first->second;
    for (const std::int32_t partition : new_partitions(search, topic, count)) {
      STREAM_ASSIGN(FoundPartition found,
                    look_at(client, topic, partition, partition < first ? search.start : StartAt()));
      out.partitions.push_back(std::move(found));
    }
  }
  return out;
}

}  // namespace stream
