// The hosts of a pipeline, as `hosts` in the manifest says them; see stream-hosts(7).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "supervisor/problems.h"

namespace stream {

struct HostSpec {
  std::string name = {};
  std::string address = {};               // which its neighbours reach; of ssh: what it connects to
  bool local = false;                     // the supervisor's own host: instances are its children
  std::string user = {};                  // "" = as ssh has it
  std::uint32_t port = 0;                 // 0 = as ssh has it
  std::vector<std::string> ssh = {};      // further options of ssh
  std::string programs = {};              // folder of our programs there; "" = as here
  std::string folder = {};                // for files of its instances; "" = below the user's state folder
  std::uint32_t slots = 0;                // the most instances it takes; 0 = as many as there are
  std::vector<std::string> labels = {};   // which stages may name in place of hosts
  bool slurm = false;                     // its agent is a step of the Slurm job that the supervisor is in, or of
                                          // one of its own:
  std::vector<std::string> own_job = {};  // the command that waits for its turn and starts what stands behind it
  bool pod = false;                // a Pod of Kubernetes that the supervisor makes; its address is found out then
  double cpus = 0;                 // of the Pod; 0 = not asked for
  std::uint64_t memory_bytes = 0;  // of the Pod; 0 = not bounded
  bool here = false;               // of those of Slurm the supervisor's own; what prints is its child

  bool operator==(const HostSpec&) const = default;
};

enum class PlaceRule : std::uint8_t { kSpread, kPack };

// Where the instances of a stage may be.
struct StagePlacement {
  std::vector<std::string> hosts = {};  // names or labels; none: any
  PlaceRule rule = PlaceRule::kSpread;
  bool rule_given = false;  // else the pipeline's holds
  std::string near = {};    // a stage whose instances they stand beside
  Place at = {};            // of what says so

  bool operator==(const StagePlacement&) const = default;
};

}  // namespace stream
