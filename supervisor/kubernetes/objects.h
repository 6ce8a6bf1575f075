// The objects of a job that Kubernetes runs, as kubectl takes them. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "transport/base/status.h"

namespace stream::kubernetes {

struct Deployed {
  std::string job;
  std::string image;                      // that has the programs in its PATH
  std::string space = {};                 // its namespace; "" = that of kubectl's context
  std::string file = {};                  // name of the manifest's file
  std::string manifest = {};              // its text
  std::string digest = {};                // of the manifest and all options: another one is another job to run
  std::vector<std::string> run = {};      // arguments of `stream`, but for the path of the manifest and "run" before it
  std::string storage = "1Gi";            // size of the volume
  std::string storage_class = {};         // "" = the cluster's default
  std::string cpus = {};                  // "" = not asked for
  std::string memory = {};                // "" = not bounded
  std::vector<std::string> secrets = {};  // whose keys are in the environment
};

// Errors: kUsage for what the API server would refuse.
Status check(const Deployed& deployed);

// YAML, one document an object: service account, manifest, volume, Deployment.
std::string objects(const Deployed& deployed);

std::string object_name(const std::string& job);  // "stream-counts"

}  // namespace stream::kubernetes
