#include "stages/read-kafka/positions.h"

#include "snapshot/split_hash.h"

namespace stream {
namespace {

enum SplitColumn : std::size_t { kTopic, kPartition, kNext, kEnd };
constexpr std::size_t kPartitions = 1;

}  // namespace

std::uint32_t partition_owner(const std::string& topic, std::int32_t partition, std::uint32_t parallelism) {
  return owner_of_split(split_hash(topic, partition), parallelism);
}

TableSpec splits_spec() {
  TableSpec spec;
  spec.name = "splits";
  spec.distribution = Distribution::kSplit;
  spec.key = {{"topic", kVarchar}, {"partition", kBigint}};
  spec.value = {{"next", kBigint}, {"end", kBigint}};
  return spec;
}

TableSpec topics_spec() {
  TableSpec spec;
  spec.name = "topics";
  spec.distribution = Distribution::kBroadcast;
  spec.key = {{"topic", kVarchar}};
  spec.value = {{"first_partitions", kBigint}};
  return spec;
}

PositionTables::PositionTables(StateStore& store)
    : splits_(store.table(splits_spec())), topics_(store.table(topics_spec())) {}

std::vector<PartitionPosition> PositionTables::positions() const {
  std::vector<PartitionPosition> out;
  splits_.for_each([&](Row row) {
    out.push_back({std::string(splits_.bytes(row, kTopic)),
                   static_cast<std::int32_t>(splits_.get<std::int64_t>(row, kPartition)),
                   splits_.get<std::int64_t>(row, kNext), splits_.get<std::int64_t>(row, kEnd)});
  });
  return out;
}

FirstPartitions PositionTables::first() const {
  FirstPartitions out;
  topics_.for_each([&](Row row) {
    out[std::string(topics_.bytes(row, kTopic))] =
        static_cast<std::int32_t>(topics_.get<std::int64_t>(row, kPartitions));
  });
  return out;
}

void PositionTables::store(const std::vector<PartitionPosition>& positions, const FirstPartitions& first) {
  for (const PartitionPosition& position : positions) {
    const std::int64_t partition = position.partition;
    const Row known = splits_.find({std::string_view(position.topic), partition});
    if (known && splits_.get<std::int64_t>(known, kNext) == position.next) continue;
    const Row row = splits_.upsert({std::string_view(position.topic), partition}).first;
    splits_.set(row, kNext, position.next);
    splits_.set(row, kEnd, position.end);
  }
  for (const auto& [topic, count] : first) {
    if (topics_.find({std::string_view(topic)})) continue;
    topics_.set(topics_.upsert({std::string_view(topic)}).first, kPartitions, std::int64_t{count});
  }
}

}  // namespace stream
