#include "supervisor/kubernetes/pod/pod_object.h"

#include <cmath>
#include <cstdio>

namespace stream::kubernetes {
namespace {

using nlohmann::json;

constexpr double kMilli = 1000;

json from_secret(const std::string& name, const char* variable, const char* key) {
  return {{"name", variable}, {"valueFrom", {{"secretKeyRef", {{"name", name}, {"key", key}}}}}};
}

}  // namespace

std::string pod_name(const PodWish& wish) { return "stream-" + wish.job + "-" + wish.host; }

Result<json> pod_object(json pod, const PodWish& wish) {
  if (!pod.is_object() || !pod.contains("spec") || pod["spec"].value("containers", json::array()).empty())
    return usage_error("the template of Pods has no container");
  const std::string name = pod_name(wish);
  pod["apiVersion"] = "v1";
  pod["kind"] = "Pod";
  pod["metadata"]["name"] = name;
  pod["metadata"]["labels"]["stream/host"] = wish.host;
  pod["metadata"]["ownerReferences"] = json::array(
      {{{"apiVersion", "v1"}, {"kind", "Pod"}, {"name", wish.owner}, {"uid", wish.owner_uid}, {"controller", true}}});
  json& container = pod["spec"]["containers"][0];
  container["command"] = {wish.program, "join"};
  container["env"].push_back(from_secret(name, "STREAM_POD_KEY", "key"));
  container["env"].push_back(from_secret(name, "STREAM_POD_ADDRESS", "address"));
  json& resources = container["resources"];
  if (wish.cpus > 0) resources["requests"]["cpu"] = std::to_string(std::llround(std::ceil(wish.cpus * kMilli))) + "m";
  if (wish.memory_bytes > 0)
    resources["requests"]["memory"] = resources["limits"]["memory"] = std::to_string(wish.memory_bytes);
  return pod;
}

}  // namespace stream::kubernetes
