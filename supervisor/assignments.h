// What each instance of a plan is told when it starts. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "snapshot/checkpoint.h"
#include "supervisor/job_paths.h"
#include "supervisor/placement.h"
#include "supervisor/plan.h"
#include "transport/control_messages.h"

namespace stream {

struct InstanceName {
  std::size_t stage = 0;  // index in the plan
  std::uint32_t instance = 0;
};

// "errors.0"
std::string to_string(const JobPlan& plan, const InstanceName& name);

// All instances in plan order; their position is their InstanceIndex.
std::vector<InstanceName> instances_of(const JobPlan& plan);

struct AttemptStart {
  JobPaths paths;
  std::string run;
  Attempt attempt;
  std::optional<CheckpointIndex> restore;  // none: a fresh start
  std::string restore_folder;
  bool extend = false;                // restore_folder is where new checkpoints go
  std::optional<Epoch> rewind_after;  // sinks take back what they committed later
  bool going_back = false;            // by the user's wish
  bool several_supervisors = false;   // perhaps on other hosts
  bool accept_duplicates = false;     // and what they cannot take back stays
  Placed placed = {};                 // hosts of the instances; empty where there is one
};

// What an instance is told that runs elsewhere than its supervisor: folders of that place. `key`: for channels between
// hosts, where it has not got it before.
struct LaunchPlace;
void settle_in(Assignment& assignment, const LaunchPlace& place, const std::string& key);

// `channels`: those of the plan, see channels_of().
std::vector<Assignment> make_assignments(const JobPlan& plan, const std::vector<Channel>& channels,
                                         const AttemptStart& start);

}  // namespace stream
