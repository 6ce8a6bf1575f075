// Which instance runs on which host. Pure: the same question has the same answer.
//
// Stages are placed in the order of the manifest, one that is `near` another after that, instance by instance. Among
// the hosts a stage may use, and that have a slot left,
//   spread  takes the one with the fewest instances of this stage, of those the one with the instance of the same
//           number that it reads from, of those the one with the fewest instances at all
//   pack    takes the first that has any instance, else the first
// and of equals the first in the manifest. Numbers are weighed by slots where every host says how many it has.
#pragma once

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "supervisor/host_spec.h"
#include "transport/base/status.h"

namespace stream {

struct PlacedStage {
  std::string name = {};
  std::uint32_t parallelism = 1;
  StagePlacement placement = {};
  std::vector<std::size_t> reads_from = {};  // stages
  std::string only_here = {};                // why it must be on the supervisor's host, "" = it need not
};

struct PlacementQuestion {
  std::vector<HostSpec> hosts = {};
  std::vector<PlacedStage> stages = {};
  std::set<std::string> lost = {};  // hosts that cannot be used
  // Where instances are already, that stay; by stage and instance, as the answer. Empty: nowhere.
  std::vector<std::vector<std::optional<std::size_t>>> kept = {};
};

// By stage and instance: a number of `hosts`.
using Placed = std::vector<std::vector<std::size_t>>;

// Errors: kUsage where it can never be done, kFailed where lost hosts are the reason: naming the stage, why, and what
// to do.
Result<Placed> place(const PlacementQuestion& question);

}  // namespace stream
