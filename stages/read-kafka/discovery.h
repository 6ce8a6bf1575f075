// Discovery: which partitions there are, and where reading a new one begins. Asks brokers and waits for
// their answers, so it belongs on a thread of its own.
#pragma once

#include <set>
#include <utility>
#include <vector>

#include "stages/kafka/client.h"
#include "stages/kit/message_source.h"
#include "stages/read-kafka/positions.h"

namespace stream {

// What an instance wants to know.
struct Search {
  std::vector<std::string> topics;
  StartAt start;
  std::uint32_t instance = 0;
  std::uint32_t parallelism = 1;
  FirstPartitions first;                                 // empty: this is the first search of the run
  std::set<std::pair<std::string, std::int32_t>> known;  // partitions it reads already
};

struct FoundPartition {
  PartitionPosition position;
  std::int64_t high = 0;  // the offset behind what could be read when it was found
};

struct Found {
  std::vector<FoundPartition> partitions;  // new ones, of this instance
  FirstPartitions first;
};

// Which partitions of a topic that has `count` are new, and this instance's. Pure.
std::vector<std::int32_t> new_partitions(const Search& search, const std::string& topic, std::int32_t count);

struct OffsetRange {
  std::int64_t low = 0;   // of the oldest message that is kept
  std::int64_t high = 0;  // behind the newest that can be read
};
Result<OffsetRange> offset_range(rd_kafka_t* client, const std::string& topic, std::int32_t partition);

Result<Found> discover(rd_kafka_t* client, const Search& search);

}  // namespace stream
