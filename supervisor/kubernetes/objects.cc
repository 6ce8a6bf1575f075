#include "supervisor/kubernetes/objects.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "supervisor/kubernetes/overlay.h"
#include "supervisor/kubernetes/scripts.h"
#include "supervisor/kubernetes/yaml.h"

namespace stream::kubernetes {
namespace {

using json = nlohmann::ordered_json;

constexpr char kOwn[] = "/var/lib/stream-own";
constexpr char kTokens[] = "/var/lib/stream-tokens";
constexpr char kLease[] = "lease=5s";
constexpr char kSupervisors[] = "stream";  // names of containers
constexpr char kOfHosts[] = "instances";
constexpr int kUser = 65532;

// The API server decides who leads, also where one supervisor makes Pods: it is replaced while what it has made may
// live.
bool led(const Deployed& deployed) { return deployed.replicas != 0 || !deployed.hosts.empty(); }

std::uint32_t replicas_of(const Deployed& deployed) { return std::max<std::uint32_t>(1, deployed.replicas); }

json host_pod(const Deployed& deployed);

json from_field(const char* name, const char* path) {
  return {{"name", name}, {"valueFrom", {{"fieldRef", {{"fieldPath", path}}}}}};
}

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

// What a supervisor keeps for itself is of its Pod alone where there may be several.
json environment(const Deployed& deployed) {
  const std::string home = led(deployed) ? kOwn : std::string(kData) + "/jobs";
  return json::array({{{"name", "STREAM_HOME"}, {"value", home}}, {{"name", "STREAM_DATA"}, {"value", kData}}});
}

json supervisor_environment(const Deployed& deployed) {
  json all = environment(deployed);
  // On the volume they need a folder, which nobody else makes.
  if ((deployed.checkpoints + "/").starts_with(std::string(kData) + "/"))
    all.push_back({{"name", "STREAM_CHECKPOINTS"}, {"value", deployed.checkpoints}});
  if (!deployed.hosts.empty() || !deployed.tokens.empty()) all.push_back(from_field("STREAM_POD_IP", "status.podIP"));
  if (deployed.hosts.empty()) return all;
  all.push_back(from_field("STREAM_POD_NAME", "metadata.name"));
  all.push_back(from_field("STREAM_POD_UID", "metadata.uid"));
  all.push_back({{"name", "STREAM_POD_TEMPLATE"}, {"value", host_pod(deployed).dump()}});
  return all;
}

json command(const Deployed& deployed) {
  const std::string script(led(deployed) ? kOfSeveral : kAlone);
  json words = {"/bin/sh", "-c", deployed.tokens.empty() ? script : std::string(kServed) + script, "stream"};
  for (const std::string& word :
       {deployed.digest, deployed.job, deployed.from, deployed.first, std::string("run"), deployed.file})
    words.push_back(word);
  for (const std::string& word : deployed.run) words.push_back(word);
  if (led(deployed)) {
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
  if (led(deployed)) all.push_back({{"name", "own"}, {"mountPath", kOwn}});
  return all;
}

// What the containers of a job have in common.
json container(const Deployed& deployed, const char* name) {
  json made = {{"name", name}, {"image", deployed.image}, {"env", environment(deployed)}};
  for (const std::string& secret : deployed.secrets) made["envFrom"].push_back({{"secretRef", {{"name", secret}}}});
  made["securityContext"] = {
      {"allowPrivilegeEscalation", false}, {"readOnlyRootFilesystem", true}, {"capabilities", {{"drop", {"ALL"}}}}};
  made["volumeMounts"] = mounts(deployed);
  return made;
}

json supervisor(const Deployed& deployed) {
  const json probe = {"/bin/sh", "-c", led(deployed) ? kOneOfSeveralIsReady : kAloneIsReady, deployed.job};
  json made = container(deployed, kSupervisors);
  made["command"] = command(deployed);
  made["env"] = supervisor_environment(deployed);
  made["resources"] = resources(deployed);
  if (!deployed.tokens.empty()) {
    made["ports"] = json::array({{{"name", "http"}, {"containerPort", kPort}}});
    made["volumeMounts"].push_back(
        {{"name", "manifest"}, {"mountPath", kTokens}, {"subPath", "tokens"}, {"readOnly", true}});
  }
  made["readinessProbe"] = {{"exec", {{"command", probe}}}, {"periodSeconds", 10}, {"timeoutSeconds", 15}};
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
  if (led(deployed)) all.push_back({{"name", "own"}, {"emptyDir", json::object()}});
  return all;
}

// With what the user wants otherwise; of the two containers that are ours, a Pod has its own.
json as_wished(const Deployed& deployed, json made, std::string_view other) {
  if (deployed.pod_template.is_null()) return made;
  json over = deployed.pod_template;
  if (over.contains("spec") && over["spec"].contains("containers")) {
    json::array_t& containers = over["spec"]["containers"].get_ref<json::array_t&>();
    std::erase_if(containers, [&](const json& container) { return container.value("name", "") == other; });
    if (containers.empty()) over["spec"].erase("containers");
  }
  return overlaid(std::move(made), over);
}

json pod_spec(const Deployed& deployed) {
  return {{"serviceAccountName", object_name(deployed.job)},
          {"automountServiceAccountToken", false},
          {"enableServiceLinks", false},
          {"securityContext",
           {{"runAsNonRoot", true},
            {"runAsUser", kUser},
            {"runAsGroup", kUser},
            {"fsGroup", kUser},
            {"seccompProfile", {{"type", "RuntimeDefault"}}}}},
          {"volumes", volumes(deployed)}};
}

// The token is for the API server, which decides who leads and makes Pods; else the job asks it for nothing.
json pod(const Deployed& deployed) {
  json spec = pod_spec(deployed);
  spec["automountServiceAccountToken"] = led(deployed);
  spec["terminationGracePeriodSeconds"] = 300;
  // Checkpoints in a place of their own belong to a host by its name, which the next Pod has as well.
  if (!led(deployed)) spec["hostname"] = object_name(deployed.job);
  if (replicas_of(deployed) > 1) spec["affinity"] = apart(deployed);
  spec["containers"] = json::array({supervisor(deployed)});
  const json made = {
      {"metadata", {{"labels", labels_of(deployed)}, {"annotations", {{"stream/digest", deployed.digest}}}}},
      {"spec", spec}};
  return as_wished(deployed, made, kOfHosts);
}

// Of each host: what stream-pod completes. It has no label by which the Deployment would count it as its own.
json host_pod(const Deployed& deployed) {
  json spec = pod_spec(deployed);
  spec["restartPolicy"] = "Never";             // the supervisor makes another
  spec["terminationGracePeriodSeconds"] = 60;  // for a checkpoint
  spec["containers"] = json::array({container(deployed, kOfHosts)});
  const json labels = {{"app.kubernetes.io/name", "stream-host"}, {"app.kubernetes.io/instance", deployed.job}};
  return as_wished(deployed, {{"metadata", {{"labels", labels}}}, {"spec", spec}}, kSupervisors);
}

// All old Pods end before new ones begin: there are never two of one supervisor, and none of another manifest takes
// over.
json deployment(const Deployed& deployed) {
  json made = object(deployed, "apps/v1", "Deployment");
  made["spec"] = {{"replicas", replicas_of(deployed)},
                  {"strategy", {{"type", "Recreate"}}},
                  {"selector", {{"matchLabels", labels_of(deployed)}}},
                  {"template", pod(deployed)}};
  return made;
}

json claim(const Deployed& deployed) {
  json made = object(deployed, "v1", "PersistentVolumeClaim");
  made["spec"] = {{"accessModes", {led(deployed) ? "ReadWriteMany" : "ReadWriteOnce"}}};
  if (!deployed.storage_class.empty()) made["spec"]["storageClassName"] = deployed.storage_class;
  made["spec"]["resources"] = {{"requests", {{"storage", deployed.storage}}}};
  return made;
}

json rule(const char* group, const char* kind, const std::vector<std::string>& names,
          const std::vector<std::string>& verbs) {
  return {{"apiGroups", {group}}, {"resources", {kind}}, {"resourceNames", names}, {"verbs", verbs}};
}

std::vector<std::string> hosts_of(const Deployed& deployed) {
  std::vector<std::string> names;
  for (const std::string& host : deployed.hosts) names.push_back(object_name(deployed.job) + "-" + host);
  return names;
}

// Pods have no names that a right to make them could be bound to.
json role(const Deployed& deployed) {
  const std::string name = object_name(deployed.job);
  json made = object(deployed, "rbac.authorization.k8s.io/v1", "Role");
  json& rules = made["rules"];
  rules = json::array({rule("", "configmaps", {name + ".term", name + ".job"}, {"get", "update"}),
                       rule("coordination.k8s.io", "leases", {name}, {"get", "update"})});
  if (deployed.hosts.empty()) return made;
  rules.push_back(rule("", "pods", hosts_of(deployed), {"get", "delete"}));
  rules.push_back({{"apiGroups", {""}}, {"resources", {"pods"}}, {"verbs", {"create"}}});
  rules.push_back(rule("", "secrets", hosts_of(deployed), {"patch"}));
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

// What supervisors decide by who leads, see supervisor/ha/kubernetes, and where Pods of hosts find their keys: made
// here, so that they need no right to make any. Applied again, what is in them stays.
std::vector<json> for_leading(const Deployed& deployed) {
  std::vector<json> all = {object(deployed, "v1", "ConfigMap", ".term"), object(deployed, "v1", "ConfigMap", ".job"),
                           object(deployed, "coordination.k8s.io/v1", "Lease")};
  for (const std::string& host : deployed.hosts) all.push_back(object(deployed, "v1", "Secret", "-" + host));
  all.push_back(role(deployed));
  all.push_back(binding(deployed));
  return all;
}

// Who asks the job has a token.
json policy(const Deployed& deployed) {
  const json ours = {{"matchLabels", {{"app.kubernetes.io/instance", deployed.job}}}};
  json made = object(deployed, "networking.k8s.io/v1", "NetworkPolicy");
  json inward = json::array({{{"from", json::array({{{"podSelector", ours}}})}}});
  if (!deployed.tokens.empty()) inward.push_back({{"ports", json::array({{{"protocol", "TCP"}, {"port", kPort}}})}});
  made["spec"] = {{"podSelector", ours}, {"policyTypes", {"Ingress"}}, {"ingress", inward}};
  return made;
}

}  // namespace

std::string object_name(const std::string& job) { return "stream-" + job; }

std::vector<json> object_list(const Deployed& deployed) {
  json account = object(deployed, "v1", "ServiceAccount"), manifest = object(deployed, "v1", "ConfigMap");
  account["automountServiceAccountToken"] = false;
  manifest["data"] = {{"manifest", deployed.manifest}};
  if (!deployed.tokens.empty()) manifest["data"]["tokens"] = deployed.tokens;
  std::vector<json> all = {account, manifest, claim(deployed)};
  if (led(deployed)) {
    for (json& one : for_leading(deployed)) all.push_back(std::move(one));
  }
  if (deployed.isolated) all.push_back(policy(deployed));
  all.push_back(deployment(deployed));
  return all;
}

std::string objects(const Deployed& deployed) {
  std::string text = "# Made by 'stream deploy --on kubernetes': see stream-kubernetes(7).\n";
  for (const json& one : object_list(deployed)) text += yaml_of(one);
  return text;
}

}  // namespace stream::kubernetes
