// How far the partitions of topics have been read: rows of the state table `splits`.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "snapshot/state_store.h"

namespace stream {

struct PartitionPosition {
  std::string topic;
  std::int32_t partition = 0;
  std::int64_t next = 0;  // offset of the message to read next
  std::int64_t end = 0;   // with stop-at-end: the offset that is not read any more
  friend bool operator==(const PartitionPosition&, const PartitionPosition&) = default;
};

// How many partitions each topic had when the run began: `start` is for these; later ones are read from their
// first message on, as none of it can be old.
using FirstPartitions = std::map<std::string, std::int32_t>;

// Which instance reads a partition: a pure function, so no state is needed to agree.
std::uint32_t partition_owner(const std::string& topic, std::int32_t partition, std::uint32_t parallelism);

TableSpec splits_spec();
TableSpec topics_spec();

class PositionTables {
 public:
  explicit PositionTables(StateStore& store);

  std::vector<PartitionPosition> positions() const;
  FirstPartitions first() const;
  void store(const std::vector<PartitionPosition>& positions, const FirstPartitions& first);

 private:
  StateTable& splits_;
  StateTable& topics_;
};

}  // namespace stream
