// The hosts that jobs run on: the server's own, and those that their manifests name.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "supervisor/http/call.h"

namespace stream::http {

// A job that runs, as far as it is on one host.
struct HostJob {
  std::string name;
  std::string id;
  std::int64_t instances = 0;
  // Stage and number of each, where the job has other hosts too; else all of it is there.
  std::optional<std::set<std::pair<std::string, std::int64_t>>> which = {};
};

struct HostUse {
  std::string path;        // its name, or its address in a manifest
  bool own = false;        // the server's
  std::int64_t slots = 0;  // as manifests say; 0 = as many as are needed
  std::vector<HostJob> jobs = {};

  std::int64_t instances() const;
  std::int64_t places() const;  // for instances: Flink's slots
};

// The server's own first; another one as long as a job that runs has an instance there.
std::vector<HostUse> hosts_in_use(Call& call);
// That the path of a request names, by its id or its path. Errors: kNotFound.
Result<HostUse> named_host(Call& call);

// Where an instance is, or was: the path of that host.
std::string host_of_instance(const Site& site, const JobPlan& plan, const Json& instance);

}  // namespace stream::http
