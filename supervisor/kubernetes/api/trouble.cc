#include "supervisor/kubernetes/api/trouble.h"

#include "supervisor/kubernetes/api/fields.h"

namespace stream::kubernetes {
namespace {

using nlohmann::json;

std::string joined(const std::string& reason, const std::string& message) {
  return message.empty() ? reason : reason + ": " + message;
}

}  // namespace

std::string trouble_of(const json& pod) {
  const json status = pod.value("status", json::object());
  for (const json& container : status.value("containerStatuses", json::array())) {
    const json state = container.value("state", json::object());
    for (const char* kind : {"waiting", "terminated"}) {
      const json told = state.value(kind, json::object());
      const std::string reason = text_at(told, "/reason");
      if (!reason.empty() && reason != "ContainerCreating" && reason != "PodInitializing")
        return joined(reason, text_at(told, "/message"));
    }
  }
  for (const json& condition : status.value("conditions", json::array())) {
    if (text_at(condition, "/type") == "PodScheduled" && text_at(condition, "/status") == "False")
      return joined(text_at(condition, "/reason"), text_at(condition, "/message"));
  }
  return text_at(status, "/phase") == "Failed" ? joined("Failed", text_at(status, "/message")) : "";
}

}  // namespace stream::kubernetes
