// What `slurm` in a manifest asks a cluster for; see stream-slurm(7).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "transport/base/clock.h"

namespace stream {

struct SlurmSpec {
  std::uint32_t nodes_least = 1;
  std::uint32_t nodes_most = 1;
  std::string partition = {};      // "" = the cluster's default
  std::string account = {};        // "" = the user's default
  Microseconds time = 0;           // 0 = that of the partition
  std::uint32_t cpus = 0;          // of each node; 0 = one an instance
  std::uint64_t memory_bytes = 0;  // of each node; 0 = what its instances may use
  Microseconds grace = 120'000'000;
  bool requeue_at_limit = false;
  std::string folder = {};                // on each node; "" = below the user's state folder
  std::vector<std::string> options = {};  // further ones of sbatch

  bool operator==(const SlurmSpec&) const = default;
};

}  // namespace stream
