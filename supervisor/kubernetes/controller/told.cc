#include "supervisor/kubernetes/controller/told.h"

#include "snapshot/digest.h"
#include "supervisor/kubernetes/api/fields.h"
#include "supervisor/kubernetes/definition.h"
#include "transport/base/text.h"

namespace stream::kubernetes {
namespace {

using nlohmann::json;

constexpr char kManifest[] = "manifest.yaml";
constexpr char kTemplate[] = "podTemplate.yaml";
constexpr char kTokens[] = "tokens";

// A text, or a number without what JSON has more of it.
std::string scalar(const json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

void add_options(Told& told, const json& spec) {
  constexpr std::pair<const char*, const char*> kOptions[] = {
      {"image", "--image"},   {"storage", "--storage"},   {"storageClass", "--storage-class"}, {"cpus", "--cpus"},
      {"memory", "--memory"}, {"replicas", "--replicas"}, {"parallelism", "--parallelism"}};
  for (const auto& [key, option] : kOptions) {
    if (spec.contains(key)) told.args.insert(told.args.end(), {option, scalar(spec[key])});
  }
  for (const json& secret : spec.value("secrets", json::array()))
    told.args.insert(told.args.end(), {"--secret", scalar(secret)});
  constexpr std::pair<const char*, const char*> kMaps[] = {{"parameters", "--parameter"}, {"set", "--set"}};
  for (const auto& [key, option] : kMaps) {
    const json map = spec.value(key, json::object());
    for (const auto& [name, value] : map.items())
      told.args.insert(told.args.end(), {option, name + "=" + scalar(value)});
  }
  const json savepoints = spec.value("savepoints", json::object());
  for (const auto& [name, value] : savepoints.items())
    told.args.insert(told.args.end(), {"--set", "savepoints." + name + "=" + scalar(value)});
}

// Deleted with the pipeline, by the cluster.
void own(json& object, const Owner& owner) {
  const json reference = {
      {"apiVersion", kGroupVersion}, {"kind", kKind}, {"name", owner.name}, {"uid", owner.uid}, {"controller", true}};
  object["metadata"]["ownerReferences"] = json::array({reference});
}

}  // namespace

Told deploy_told(const Kept& kept, const Owner& owner, const std::string& tokens) {
  const json& spec = kept.reconciled;
  Told told;
  told.args = {"deploy",   kManifest,  "--on",        "kubernetes", "--render",     "--json",
               "--name",   owner.name, "--namespace", owner.space,  "--deployment", std::to_string(kept.attempt),
               "--tokens", kTokens};
  told.files = {{kManifest, spec.value("manifest", "")}, {kTokens, tokens}};
  add_options(told, spec);
  if (spec.contains("podTemplate")) {
    told.files[kTemplate] = spec["podTemplate"].dump();
    told.args.insert(told.args.end(), {"--pod-template", kTemplate});
  }
  if (flag_at(spec, "/isolate")) told.args.emplace_back("--isolate");
  if (kept.fresh) told.args.emplace_back("--fresh");
  if (!kept.from.empty()) told.args.insert(told.args.end(), {"--from", kept.from});
  if (!kept.from.empty() && kept.from == kept.before) told.args.insert(told.args.end(), {"--outputs", "rewind"});
  return told;
}

Result<std::vector<json>> objects_of(const std::string& lines, const Kept& kept, const Owner& owner) {
  std::vector<json> objects;
  for (const std::string& line : split(lines, '\n')) {
    if (trim(line).empty()) continue;
    json object = json::parse(line, nullptr, false);
    if (!object.is_object() || !object.contains("metadata") || !object.contains("kind"))
      return corrupt("what 'stream deploy' has printed is no object: " + line.substr(0, 100));
    const bool stays = object["kind"] == "PersistentVolumeClaim" && kept.reconciled.value("keepVolume", false);
    if (!stays) own(object, owner);
    if (object["kind"] == "Deployment" && kept.phase == Phase::kSuspended) object["spec"]["replicas"] = 0;
    objects.push_back(std::move(object));
  }
  Sha256 hash;
  for (const json& object : objects) hash.add(object.dump(-1, ' ', false, json::error_handler_t::replace));
  const std::string digest = hash.finish().sha256;
  for (json& object : objects) {
    if (object["kind"] == "Deployment") object["metadata"]["annotations"][kApplied] = digest;
  }
  return objects;
}

std::string applied_of(const std::vector<json>& objects) {
  for (const json& object : objects) {
    if (object["kind"] == "Deployment") return object["metadata"]["annotations"].value(kApplied, "");
  }
  return "";
}

Result<Address> address_of(const json& object) {
  constexpr std::pair<std::string_view, const char*> kKinds[] = {{"ServiceAccount", "serviceaccounts"},
                                                                 {"ConfigMap", "configmaps"},
                                                                 {"Secret", "secrets"},
                                                                 {"PersistentVolumeClaim", "persistentvolumeclaims"},
                                                                 {"Deployment", "deployments"},
                                                                 {"NetworkPolicy", "networkpolicies"},
                                                                 {"Lease", "leases"},
                                                                 {"Role", "roles"},
                                                                 {"RoleBinding", "rolebindings"}};
  const std::string kind = object.value("kind", ""), version = object.value("apiVersion", "");
  for (const auto& [name, plural] : kKinds) {
    if (name == kind)
      return Address{(version.find('/') == std::string::npos ? "api/" : "apis/") + version, plural,
                     object["metadata"].value("name", "")};
  }
  return corrupt("'stream deploy' has printed a " + kind + ", which is not known here");
}

}  // namespace stream::kubernetes
