// What a cluster is told once, so that it knows pipelines as objects of its own and somebody looks after them. Pure.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "transport/base/status.h"

namespace stream::kubernetes {

inline constexpr char kGroup[] = "stream.pipelines";
inline constexpr char kGroupVersion[] = "stream.pipelines/v1";
inline constexpr char kKind[] = "StreamPipeline";
inline constexpr char kPlural[] = "streampipelines";

// No job has an object that is called so: theirs begin with "stream-".
inline constexpr char kControllerName[] = "stream.controller";
// Of the controllers, by which they decide who leads, see supervisor/ha/kubernetes.
inline constexpr char kControllerJob[] = "stream.controller";
// Of the key from which the tokens for jobs are made; its Secret has the name of the controller.
inline constexpr char kControllerKey[] = "key";

struct ControllerDeployed {
  std::string image;
  std::string space;
  std::uint32_t replicas = 1;
};

// Errors: kUsage for what the API server would refuse.
Status check(const ControllerDeployed& deployed);

// The definition of the resource, and the controller with its rights, which end at its namespace.
std::vector<nlohmann::ordered_json> controller_objects(const ControllerDeployed& deployed);

nlohmann::ordered_json resource_definition();

}  // namespace stream::kubernetes
