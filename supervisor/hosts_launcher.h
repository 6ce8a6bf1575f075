// The launcher of a job with several hosts: an agent on each, over ssh or srun; children on the supervisor's own.
#pragma once

#include <functional>

#include "supervisor/host_spec.h"
#include "supervisor/launcher.h"

namespace stream {

struct HostsSetup {
  std::vector<HostSpec> hosts;
  std::string job;
  std::string place;                  // a name that no other job anywhere has
  std::string programs;               // folder of ours, here
  std::string agent;                  // path of the agent's program from there
  std::string secret;                 // what instances on other hosts find in their input
  Microseconds silence = 10'000'000;  // a host that says nothing for so long is lost
  int lock = -1;
  std::function<Result<std::string>(const std::string& address)> door;  // see FarHost
};

std::unique_ptr<Launcher> make_hosts_launcher(HostsSetup setup);

}  // namespace stream
