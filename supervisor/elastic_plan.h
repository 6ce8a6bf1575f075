// How many instances the stages whose number has bounds get, by what is wanted and the room that hosts have. Pure.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "supervisor/rescale_plan.h"

namespace stream {

// By stage.
using InstanceNumbers = std::map<std::string, std::uint32_t>;

bool has_bounds(const JobPlan& plan);

// What a stage begins with of which nothing else is wanted: the least where the job scales itself, or is advised; else
// as many as there are slots for, or, where hosts do not say how many they have, one for each of `cores` of each host.
std::uint32_t first_wanted(const JobPlan& plan, std::size_t stage, std::uint32_t cores);

// Of each stage that has bounds: what is wanted, within them, and fewer where hosts that are not lost have no room:
// then whoever has most gives way first, the last of equals. Where there is not even room for the least, that is it.
InstanceNumbers fitting_numbers(const JobPlan& plan, const InstanceNumbers& wanted, const std::set<std::string>& lost,
                                std::uint32_t cores);

// The plan with these numbers. What it refuses, because rows could arrive in either order, is left as it is.
struct Renumbered {
  JobPlan plan;
  std::vector<RescaleWish> changed = {};
  std::vector<std::string> refused = {};  // why, a line each
};
Renumbered renumbered(const JobPlan& plan, const InstanceNumbers& numbers);

}  // namespace stream
