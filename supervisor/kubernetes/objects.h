// The objects of a job that Kubernetes runs, as kubectl takes them. Pure.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "transport/base/status.h"

namespace stream::kubernetes {

inline constexpr char kData[] = "/var/lib/stream";  // the volume of the job
inline constexpr int kPort = 8081;                  // where it is served

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
  std::uint32_t replicas = 0;             // supervisors that stand ready for it; 0 = one, alone
  std::vector<std::string> hosts = {};    // that are Pods of their own, which the supervisor makes
  nlohmann::ordered_json pod_template = {};  // put over what is made of Pods: metadata, spec; null = nothing
  std::string from = {};   // the savepoint that it begins from, once a digest; "" = it goes on where there is something
  std::string first = {};  // an argument of `stream run` with which it begins, once a digest: --fresh, --outputs=rewind
  std::string tokens = {};       // of who may ask the job over HTTP, as `stream serve` has them; "" = it is not served
  bool isolated = false;         // only Pods of the job connect to them, and who asks it over HTTP
  std::string checkpoints = {};  // where the manifest keeps them; "" = below the folder of the job
};

// Errors: kUsage for what the API server would refuse.
Status check(const Deployed& deployed);

// Service account, manifest, volume, Deployment; of several supervisors also what they decide by who leads, and their
// right to it. As text: YAML, one document an object.
std::vector<nlohmann::ordered_json> object_list(const Deployed& deployed);
std::string objects(const Deployed& deployed);

bool is_quantity(std::string_view text);  // 500m, 2Gi

std::string object_name(const std::string& job);  // "stream-counts"

}  // namespace stream::kubernetes
