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

std::string text_at(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::string joined(const std::string& reason, const std::string& message) {
  return message.empty() ? reason : reason + ": " + message;
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

std::string trouble_of(const json& pod) {
  const json status = pod.value("status", json::object());
  for (const json& container : status.value("containerStatuses", json::array())) {
    const json state = container.value("state", json::object());
    for (const char* kind : {"waiting", "terminated"}) {
      const json told = state.value(kind, json::object());
      const std::string reason = text_at(told, "reason");
      if (!reason.empty() && reason != "ContainerCreating" && reason != "PodInitializing")
        return joined(reason, text_at(told, "message"));
    }
  }
  for (const json& condition : status.value("conditions", json::array())) {
    if (text_at(condition, "type") == "PodScheduled" && text_at(condition, "status") == "False")
      return joined(text_at(condition, "reason"), text_at(condition, "message"));
  }
  return text_at(status, "phase") == "Failed" ? joined("Failed", text_at(status, "message")) : "";
}

}  // namespace stream::kubernetes
