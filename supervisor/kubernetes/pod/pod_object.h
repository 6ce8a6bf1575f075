// The Pod of one host of a job, from the template that `stream deploy` has made. Pure.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "transport/base/status.h"

namespace stream::kubernetes {

struct PodWish {
  std::string job;
  std::string host;
  double cpus = 0;                 // 0 = as the template says
  std::uint64_t memory_bytes = 0;  // 0 = as the template says
  std::string program = {};        // path of stream-pod in the image
  std::string owner = {};          // name of the supervisor's Pod, with which it goes
  std::string owner_uid = {};
};

std::string pod_name(const PodWish& wish);  // "stream-JOB-HOST": of the Pod and of its Secret

// Errors: kUsage, if the template has no container.
Result<nlohmann::json> pod_object(nlohmann::json pod, const PodWish& wish);

}  // namespace stream::kubernetes
