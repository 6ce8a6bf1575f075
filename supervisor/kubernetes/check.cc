// What the API server would refuse, and what could not work.
#include <algorithm>

#include "supervisor/kubernetes/definition.h"
#include "supervisor/kubernetes/objects.h"

namespace stream::kubernetes {
namespace {

constexpr std::size_t kManifestMost = 1'000'000;  // etcd takes little more
constexpr std::size_t kNameMost = 63;
constexpr std::size_t kSecretMost = 253;
constexpr std::string_view kLower = "abcdefghijklmnopqrstuvwxyz0123456789-";

bool is_label(std::string_view text, std::size_t most, std::string_view also = "") {
  const std::string of = std::string(kLower) + std::string(also);
  return !text.empty() && text.size() <= most && text.find_first_not_of(of) == std::string_view::npos &&
         !text.starts_with('-') && !text.ends_with('-');
}

Status bad_value(const char* option, const std::string& value, const char* wanted) {
  return usage_error("--" + std::string(option) + ": '" + value + "' is not " + wanted);
}

Status check_names(const Deployed& deployed) {
  if (!is_label(object_name(deployed.job), kNameMost))
    return usage_error("'" + deployed.job +
                       "' is no name that Kubernetes takes: it must not end with '-'; give another with --name");
  if (!deployed.space.empty() && !is_label(deployed.space, kNameMost))
    return bad_value("namespace", deployed.space, "a name of a namespace");
  if (!deployed.storage_class.empty() && !is_label(deployed.storage_class, kSecretMost, "."))
    return bad_value("storage-class", deployed.storage_class, "a name of a storage class");
  for (const std::string& secret : deployed.secrets) {
    if (!is_label(secret, kSecretMost, ".")) return bad_value("secret", secret, "a name of a Secret");
  }
  return {};
}

// Several supervisors, and instances in several Pods, go on from what all of them reach.
Status check_shared(const Deployed& deployed) {
  if (deployed.replicas == 0 && deployed.hosts.empty()) return {};
  const std::string who = deployed.hosts.empty() ? "--replicas needs " : "hosts with 'via: pod' need ";
  if (deployed.space.empty())
    return usage_error(who + "--namespace NAME: rights are given to a service account of a namespace");
  for (const std::string& host : deployed.hosts) {
    const std::string name = object_name(deployed.job) + "-" + host;
    if (!is_label(name, kNameMost))
      return usage_error("'" + name + "' is no name of a Pod; give host '" + host + "' another");
  }
  const bool shared = deployed.checkpoints.find("://") != std::string::npos ||
                      (deployed.checkpoints + "/").starts_with(std::string(kData) + "/");
  if (shared) return {};
  return usage_error(
      who +
      "checkpoints that every Pod reaches: 'checkpoint: {path: /var/lib/stream/checkpoints}', on the volume, or "
      "object storage, s3://bucket/prefix");
}

// The rest is said by the API server, which knows what there may be.
Status check_template(const Deployed& deployed) {
  const nlohmann::ordered_json& over = deployed.pod_template;
  if (over.is_null()) return {};
  if (!over.is_object()) return usage_error("--pod-template: it is no map with 'metadata' and 'spec'");
  for (const auto& [key, value] : over.items()) {
    if ((key != "metadata" && key != "spec") || !value.is_object())
      return usage_error("--pod-template: '" + key + "' is not what it may have: 'metadata' and 'spec', maps both");
  }
  const auto spec = over.value("spec", nlohmann::ordered_json::object());
  const auto containers = spec.value("containers", nlohmann::ordered_json::array());
  const auto named = [](const auto& one) { return one.is_object() && one.contains("name") && one["name"].is_string(); };
  if (!containers.is_array() || !std::ranges::all_of(containers, named))
    return usage_error("--pod-template: 'containers' is a list of maps with a 'name': stream, instances, or another");
  return {};
}

}  // namespace

// 1, 0.5, 250m, 2Gi: the part of quantities that is used.
bool is_quantity(std::string_view text) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
  const std::string_view unit = text.substr(digits);
  constexpr std::string_view kUnits[] = {"", "m", "k", "M", "G", "T", "Ki", "Mi", "Gi", "Ti"};
  return digits > 0 && text.front() != '.' && text[digits - 1] != '.' &&
         std::ranges::count(text.substr(0, digits), '.') <= 1 && text.find_first_not_of("0.") < digits &&
         std::ranges::find(kUnits, unit) != std::end(kUnits);
}

Status check(const Deployed& deployed) {
  if (deployed.image.empty())
    return usage_error("--on kubernetes needs --image IMAGE, one with these programs in it, see stream-kubernetes(7)");
  STREAM_TRY(check_names(deployed));
  if (!is_quantity(deployed.storage)) return bad_value("storage", deployed.storage, "a size, such as 10Gi");
  if (!deployed.cpus.empty() && !is_quantity(deployed.cpus))
    return bad_value("cpus", deployed.cpus, "a number of CPUs, such as 2 or 500m");
  if (!deployed.memory.empty() && !is_quantity(deployed.memory))
    return bad_value("memory", deployed.memory, "a size, such as 2Gi");
  STREAM_TRY(check_shared(deployed));
  STREAM_TRY(check_template(deployed));
  if (deployed.manifest.size() > kManifestMost)
    return usage_error("'" + deployed.file + "' has more than 1 MB, which no ConfigMap holds");
  return {};
}

Status check(const ControllerDeployed& deployed) {
  if (deployed.image.empty()) return usage_error("--render needs --image IMAGE, one with these programs in it");
  if (!is_label(deployed.space, kNameMost))
    return usage_error("--render needs --namespace NAME, whose pipelines are looked after");
  return {};
}

}  // namespace stream::kubernetes
