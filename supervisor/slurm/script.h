// The batch script of a job on Slurm. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "supervisor/slurm_spec.h"

namespace stream::slurm {

struct Batch {
  std::string job;  // its name, of ours
  SlurmSpec asked = {};
  std::uint32_t instances = 1;        // the least
  std::uint32_t instances_more = 0;   // that it may have where there is room
  std::uint64_t memory_bytes = 0;     // the most that one may use
  std::string program = {};           // path of `stream`, on every node
  std::vector<std::string> run = {};  // its arguments: "run", "/data/counts.yaml", …
  bool fresh = false;                 // the first time it begins anew, when it is requeued it goes on
  std::string home = {};              // of all nodes: each has a folder there
  std::string leaders = {};           // folder in which it is decided who leads: see stream-ha(7)
  bool leaders_at_home = false;       // it is below the state folder, which may have to be made
  std::string output = {};            // of the supervisor; %j is the number that Slurm gives
};

std::string script(const Batch& batch);

// What `--name` of sbatch and squeue has: of the batch job, and of those that get more nodes to the one of that number.
std::string batch_name(const std::string& job);
std::string more_name(const std::string& job, const std::string& number);

// "1-02:30:00".
std::string time_text(Microseconds time);

}  // namespace stream::slurm
