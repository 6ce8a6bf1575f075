#include "supervisor/kubernetes/controller/cluster.h"

#include <array>
#include <random>

#include "supervisor/kubernetes/api/fields.h"
#include "supervisor/kubernetes/api/trouble.h"
#include "supervisor/kubernetes/definition.h"

namespace stream::kubernetes {
namespace {

using nlohmann::json;

constexpr Microseconds kPatience = 10'000'000;
constexpr char kCore[] = "api/v1";

std::string random_key() {
  std::random_device random;  // getrandom(2)
  std::string key;
  constexpr char kDigits[] = "0123456789abcdef";
  for (int i = 0; i < 64; ++i) key += kDigits[random() % 16];
  return key;
}

bool is_going(const json& pod) { return pod["metadata"].contains("deletionTimestamp"); }

// The key of a Secret comes in base64: what is compared is that alone, so it need not be read.
std::string key_in(const json& secret) { return text_at(secret, (std::string("/data/") + kControllerKey).c_str()); }

}  // namespace

Cluster::Cluster(ApiPlace place) : api_(std::move(place), kPatience) {}

std::string Cluster::path(const std::string& name) const {
  return api_.path_of(std::string("apis/") + kGroupVersion, kPlural) + (name.empty() ? "" : "/" + name);
}

Result<Cluster::Listed> Cluster::list() {
  STREAM_ASSIGN(ApiAnswer answer, api_.call("GET", path("")));
  if (answer.status != 200) return status_of("list StreamPipelines", answer);
  Listed listed{.pipelines = {}, .version = text_at(answer.body, "/metadata/resourceVersion")};
  for (json& one : answer.body["items"]) listed.pipelines.push_back(std::move(one));
  return listed;
}

Result<std::optional<json>> Cluster::pipeline(const std::string& name) {
  STREAM_ASSIGN(ApiAnswer answer, api_.call("GET", path(name)));
  if (answer.status == 404) return std::optional<json>();
  if (answer.status != 200) return status_of("read StreamPipeline '" + name + "'", answer);
  return std::optional(std::move(answer.body));
}

Result<bool> Cluster::write_status(json pipeline, const json& status) {
  const std::string name = text_at(pipeline, "/metadata/name");
  pipeline["status"] = status;
  STREAM_ASSIGN(const ApiAnswer answer, api_.call("PUT", path(name) + "/status", pipeline));
  if (answer.status == 409 || answer.status == 404) return false;
  if (answer.status != 200) return status_of("write the status of StreamPipeline '" + name + "'", answer);
  return true;
}

Result<std::optional<std::string>> Cluster::text_of_config_map(const std::string& name, const std::string& key) {
  STREAM_ASSIGN(const ApiAnswer answer, api_.call("GET", api_.path_of(kCore, "configmaps") + "/" + name));
  if (answer.status == 404) return std::optional<std::string>();
  if (answer.status != 200) return status_of("read ConfigMap '" + name + "'", answer);
  const json data = answer.body.value("data", json::object());
  if (!data.contains(key)) return std::optional<std::string>();
  return std::optional(data[key].get<std::string>());
}

Result<json> Cluster::deployment(const std::string& name) {
  STREAM_ASSIGN(ApiAnswer answer, api_.call("GET", api_.path_of("apis/apps/v1", "deployments") + "/" + name));
  if (answer.status == 404) return json();
  if (answer.status != 200) return status_of("read Deployment '" + name + "'", answer);
  return std::move(answer.body);
}

Result<PodsSeen> Cluster::pods(const std::string& job) {
  const std::string which = "?labelSelector=app.kubernetes.io%2Fname%3Dstream%2Capp.kubernetes.io%2Finstance%3D" + job;
  STREAM_ASSIGN(const ApiAnswer answer, api_.call("GET", api_.path_of(kCore, "pods") + which));
  if (answer.status != 200) return status_of("list the Pods of '" + job + "'", answer);
  PodsSeen seen;
  for (const json& pod : answer.body.value("items", json::array())) {
    const std::string address = text_at(pod, "/status/podIP");
    if (!address.empty() && text_at(pod, "/status/phase") == "Running") seen.addresses.push_back(address);
    if (!is_going(pod) && seen.trouble.empty()) seen.trouble = trouble_of(pod);
  }
  return seen;
}

Status Cluster::apply(const std::vector<json>& objects) {
  for (const json& object : objects) {
    STREAM_ASSIGN(const Address at, address_of(object));
    STREAM_ASSIGN(const ApiAnswer answer,
                  api_.apply(api_.path_of(at.group, at.kind) + "/" + at.name, object, kControllerName));
    if (answer.status != 200 && answer.status != 201)
      return status_of("make " + object.value("kind", "") + " '" + at.name + "'", answer);
  }
  return {};
}

Result<std::string> Cluster::key() {
  const std::string at = api_.path_of(kCore, "secrets") + "/" + kControllerName;
  for (;;) {
    STREAM_ASSIGN(const ApiAnswer answer, api_.call("GET", at));
    if (answer.status != 200) return status_of(std::string("read Secret '") + kControllerName + "'", answer);
    if (std::string key = key_in(answer.body); !key.empty()) return key;
    // Where another controller has been faster, its key holds.
    const json change = {{"metadata", {{"resourceVersion", text_at(answer.body, "/metadata/resourceVersion")}}},
                         {"stringData", {{kControllerKey, random_key()}}}};
    STREAM_ASSIGN(const ApiAnswer changed, api_.call("PATCH", at, change));
    if (changed.status != 200 && changed.status != 409)
      return status_of(std::string("change Secret '") + kControllerName + "'", changed);
  }
}

}  // namespace stream::kubernetes
