// What a plan asks of its hosts. Pure.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "supervisor/placement.h"
#include "supervisor/plan.h"

namespace stream {

// Whether any instance may be elsewhere than with its supervisor.
bool has_far_hosts(const PipelineSpec& pipeline);

// The address of a host that the pipeline calls so; "" where that is the supervisor's own. Of one that it does not
// have, the name itself.
std::string far_address(const PipelineSpec& pipeline, const std::string& name);

// Places the instances of the plan; empty if the pipeline names no hosts. `kept`: see PlacementQuestion.
Result<Placed> place_plan(const JobPlan& plan, const std::set<std::string>& lost = {},
                          const std::vector<std::vector<std::optional<std::size_t>>>& kept = {});

// Reports what can never be placed.
void check_hosts(const JobPlan& plan, Problems& problems);

// "requests on a, totals on a x2, b x1".
std::string placement_text(const JobPlan& plan, const Placed& placed);
// "a x2, b x1": how many instances of a stage are where.
std::string hosts_text(const JobPlan& plan, const std::vector<std::size_t>& placed);

}  // namespace stream
