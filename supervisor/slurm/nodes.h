// The nodes of the Slurm allocation that this process runs in, as hosts of a job.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "supervisor/host_spec.h"
#include "supervisor/pipeline.h"
#include "transport/base/status.h"

namespace stream::slurm {

struct Node {
  std::string name = {};
  std::string address = {};                // a name or a number
  std::vector<std::string> features = {};  // become labels

  bool operator==(const Node&) const = default;
};

// What `scontrol --oneliner show node LIST` prints. Errors: kCorrupt.
Result<std::vector<Node>> parse_nodes(std::string_view text);

bool in_allocation();

using Environment = std::map<std::string, std::string>;

// The command that waits until Slurm has one more node for the job, and starts there what is put behind it; the
// resources are those of the allocation that the environment tells of. Pure.
std::vector<std::string> own_job(const std::string& job, const SlurmSpec& spec, const Environment& environment);

// One host a node, and one for each that the job has fewer than it might, which is had when its turn comes. Errors:
// kFailed, saying what to do; those of running scontrol.
Result<std::vector<HostSpec>> allocated_hosts(const PipelineSpec& pipeline);

}  // namespace stream::slurm
