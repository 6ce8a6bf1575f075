#include "supervisor/kubernetes/objects.h"

#include <nlohmann/json.hpp>

#include "supervisor/kubernetes/scripts.h"
#include "supervisor/kubernetes/yaml.h"

namespace stream::kubernetes {
namespace {

using json = nlohmann::ordered_json;

constexpr char kOwn[] = "/var/lib/stream-own";
constexpr char kLease[] = "lease=5s";
constexpr int kUser = 65532;

bool several(const Deployed& deployed) { return deployed.replicas != 0; }

json labels_of(const Deployed& deployed) {
  return {{"app.kubernetes.io/name", "stream"}, {"app.kubernetes.io/instance", deployed.job}};
}

json object(const Deployed& deployed, const char* version, const char* kind, const std::string& behind = "") {
  json metadata = {{"name", object_name(deployed.job) + behind}};
  if (!deployed.space.empty()) metadata["namespace"] = deployed.space;
  metadata["labels"] = labels_of(deployed);
  return {{"apiVersion", version}, {"kind", kind}, {"metadata", metadata}};
}

json resources(const Deployed& deployed) {
  json asked = json::object();
  if (!deployed.cpus.empty()) asked["requests"]["cpu"] = deployed.cpus;
  if (!deployed.memory.empty()) asked["requests"]["memory"] = asked["limits"]["memory"] = deployed.memory;
  return asked;
}

// What a supervisor keeps for itself is of its Pod alone where there are several.
json environment(const Deployed& deployed) {
  const std::string home = several(deployed) ? kOwn : std::string(kData) + "/jobs";
  return json::array({{{"name", "STREAM_HOME"}, {"value", home}}, {{"name", "STREAM_DATA"}, {"value", kData}}});
}

json command(const Deployed& deployed) {
  json words = {"/bin/sh", "-c", several(deployed) ? kOfSeveral : kAlone, "stream"};
  if (!several(deployed)) words.push_back(deployed.digest);
  for (const std::string& word : {deployed.job, std::string("run"), deployed.file}) words.push_back(word);
  for (const std::string& word : deployed.run) words.push_back(word);
  if (several(deployed)) {
    words.push_back("--ha");
    words.push_back("kubernetes:///?" + std::string(kLease) + "&deployment=" + deployed.digest);
  }
  return words;
}

json mounts(const Deployed& deployed) {
  json all = json::array({{{"name", "data"}, {"mountPath", kData}},
                          {{"name", "manifest"},
                           {"mountPath", std::string(kData) + "/" + deployed.file},
                           {"subPath", "manifest"},
                           {"readOnly", true}},
                          {{"name", "scratch"}, {"mountPath", "/tmp"}}});
  if (several(deployed)) all.push_back({{"name", "own"}, {"mountPath", kOwn}});
  return all;
}

json container(const Deployed& deployed) {
  const json probe = {"/bin/sh", "-c", several(deployed) ? kOneOfSeveralIsReady : kAloneIsReady, deployed.job};
  json made = {
      {"name", "stream"}, {"image", deployed.image}, {"command", command(deployed)}, {"env", environment(deployed)}};
  for (const std::string& secret : deployed.secrets) made["envFrom"].push_back({{"secretRef", {{"name", secret}}}});
  made["resources"] = resources(deployed);
  made["readinessProbe"] = {{"exec", {{"command", probe}}}, {"periodSeconds", 10}, {"timeoutSeconds", 15}};
  made["securityContext"] = {
      {"allowPrivilegeEscalation", false}, {"readOnlyRootFilesystem", true}, {"capabilities", {{"drop", {"ALL"}}}}};
  made["volumeMounts"] = mounts(deployed);
  return made;
}

// Supervisors that stand by are of use on other nodes than the leader's.
json apart(const Deployed& deployed) {
  const json term = {{"topologyKey", "kubernetes.io/hostname"},
                     {"labelSelector", {{"matchLabels", labels_of(deployed)}}}};
  const json wish = {{"weight", 100}, {"podAffinityTerm", term}};
  return {{"podAntiAffinity", {{"preferredDuringSchedulingIgnoredDuringExecution", json::array({wish})}}}};
}

json volumes(const Deployed& deployed) {
  const std::string name = object_name(deployed.job);
  json all = json::array({{{"name", "data"}, {"persistentVolumeClaim", {{"claimName", name}}}},
                          {{"name", "manifest"}, {"configMap", {{"name", name}}}},
                          {{"name", "scratch"}, {"emptyDir", json::object()}}});
  if (several(deployed)) all.push_back({{"name", "own"}, {"emptyDir", json::object()}});
  return all;
}

// The token is for who leads being decided by the API server; else the job asks it for nothing.
json pod(const Deployed& deployed) {
  json spec = {{"serviceAccountName", object_name(deployed.job)},
               {"automountServiceAccountToken", several(deployed)},
               {"enableServiceLinks", false},
               {"terminationGracePeriodSeconds", 300},
               {"securityContext",
                {{"runAsNonRoot", true},
                 {"runAsUser", kUser},
                 {"runAsGroup", kUser},
                 {"fsGroup", kUser},
                 {"seccompProfile", {{"type", "RuntimeDefault"}}}}}};
  if (several(deployed)) spec["affinity"] = apart(deployed);
  spec["containers"] = json::array({container(deployed)});
  spec["volumes"] = volumes(deployed);
  return {{"metadata", {{"labels", labels_of(deployed)}, {"annotations", {{"stream/digest", deployed.digest}}}}},
          {"spec", spec}};
}

// All old Pods end before new ones begin: there are never two of one supervisor, and none of another manifest takes
// over.
json deployment(const Deployed& deployed) {
  json made = object(deployed, "apps/v1", "Deployment");
  made["spec"] = {{"replicas", several(deployed) ? deployed.replicas : 1},
                  {"strategy", {{"type", "Recreate"}}},
                  {"selector", {{"matchLabels", labels_of(deployed)}}},
                  {"template", pod(deployed)}};
  return made;
}

json claim(const Deployed& deployed) {
  json made = object(deployed, "v1", "PersistentVolumeClaim");
  made["spec"] = {{"accessModes", {several(deployed) ? "ReadWriteMany" : "ReadWriteOnce"}}};
  if (!deployed.storage_class.empty()) made["spec"]["storageClassName"] = deployed.storage_class;
  made["spec"]["resources"] = {{"requests", {{"storage", deployed.storage}}}};
  return made;
}

json rule(const char* group, const char* kind, const std::vector<std::string>& names,
          const std::vector<std::string>& verbs) {
  return {{"apiGroups", {group}}, {"resources", {kind}}, {"resourceNames", names}, {"verbs", verbs}};
}

json role(const Deployed& deployed) {
  const std::string name = object_name(deployed.job);
  json made = object(deployed, "rbac.authorization.k8s.io/v1", "Role");
  made["rules"] = json::array({rule("", "configmaps", {name + ".term", name + ".job"}, {"get", "update"}),
                               rule("coordination.k8s.io", "leases", {name}, {"get", "update"})});
  return made;
}

json binding(const Deployed& deployed) {
  const std::string name = object_name(deployed.job);
  const json subject = {{"kind", "ServiceAccount"}, {"name", name}, {"namespace", deployed.space}};
  json made = object(deployed, "rbac.authorization.k8s.io/v1", "RoleBinding");
  made["roleRef"] = {{"apiGroup", "rbac.authorization.k8s.io"}, {"kind", "Role"}, {"name", name}};
  made["subjects"] = json::array({subject});
  return made;
}

// What supervisors decide by who leads, see supervisor/ha/kubernetes: made here, so that they need no right to make
// anything. Applied again, what is in them stays.
std::vector<json> for_several(const Deployed& deployed) {
  return {object(deployed, "v1", "ConfigMap", ".term"), object(deployed, "v1", "ConfigMap", ".job"),
          object(deployed, "coordination.k8s.io/v1", "Lease"), role(deployed), binding(deployed)};
}

}  // namespace

std::string object_name(const std::string& job) { return "stream-" + job; }

std::string objects(const Deployed& deployed) {
  json account = object(deployed, "v1", "ServiceAccount"), manifest = object(deployed, "v1", "ConfigMap");
  account["automountServiceAccountToken"] = false;
  manifest["data"] = {{"manifest", deployed.manifest}};
  std::vector<json> all = {account, manifest, claim(deployed)};
  if (several(deployed)) {
    for (json& one : for_several(deployed)) all.push_back(std::move(one));
  }
  all.push_back(deployment(deployed));
  std::string text = "# Made by 'stream deploy --on kubernetes': see stream-kubernetes(7).\n";
  for (const json& one : all) text += yaml_of(one);
  return text;
}

}  // namespace stream::kubernetes
