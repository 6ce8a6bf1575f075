// `hosts` of a manifest, and where its stages say they may be.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "supervisor/host_spec.h"
#include "supervisor/manifest_node.h"

namespace stream {

struct PipelineSpec;

// The map of hosts, and `place`, which holds for stages that say nothing. Reports what is wrong with them.
void read_hosts(const Node& root, PipelineSpec& pipeline, Problems& problems);
// `hosts`, `near` and `place` of a stage.
StagePlacement read_stage_placement(const Node& stage, Problems& problems);
// What the stages say must go with the hosts there are.
void check_placement(const PipelineSpec& pipeline, Problems& problems);

nlohmann::ordered_json hosts_to_json(const std::vector<HostSpec>& hosts);
std::vector<HostSpec> hosts_from_json(const nlohmann::ordered_json& json);
nlohmann::ordered_json placement_to_json(const StagePlacement& placement);
StagePlacement placement_from_json(const nlohmann::ordered_json& json);

}  // namespace stream
