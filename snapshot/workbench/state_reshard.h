// Another number of key groups for a savepoint: rows move between key groups, and with them between instances.
#pragma once

#include <cstdint>
#include <string>

#include "snapshot/checkpoint.h"
#include "transport/base/files.h"

namespace stream {

struct ReshardRequest {
  CheckpointIndex index;  // of a savepoint: nothing is pending
  std::string folder;     // what its paths start from
  std::uint32_t key_groups = 0;
  std::string plan;    // the index's plan with that number
  std::string target;  // folder to make, or file for single_file; must not exist
  bool single_file = false;
};

// Memory is bounded by pieces of the state. Errors: kUsage if the target exists, kCorrupt, kSystem.
Result<CheckpointIndex> reshard(Files& files, const ReshardRequest& request);

}  // namespace stream
