// The nodes of the Slurm allocation that this process runs in, as hosts of a job.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "supervisor/host_spec.h"
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

// One host a node. `folder`: see HostSpec. Errors: kFailed, saying what to do; those of running scontrol.
Result<std::vector<HostSpec>> allocated_hosts(const std::string& folder);

}  // namespace stream::slurm
