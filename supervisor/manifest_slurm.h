// `slurm` of a manifest.
#pragma once

#include "supervisor/manifest_node.h"
#include "supervisor/slurm_spec.h"

namespace stream {

SlurmSpec read_slurm(const Node& node, Problems& problems);

}  // namespace stream
