#include "supervisor/kubernetes/definition.h"

#include "supervisor/kubernetes/objects.h"

namespace stream::kubernetes {
namespace {

using json = nlohmann::ordered_json;

json text(const char* doc) { return {{"type", "string"}, {"description", doc}}; }

json choice(const char* doc, const std::vector<std::string>& words, const char* fallback) {
  json made = text(doc);
  made["enum"] = words;
  made["default"] = fallback;
  return made;
}

json number(const char* doc, std::int64_t least) {
  return {{"type", "integer"}, {"description", doc}, {"format", "int64"}, {"minimum", least}};
}

json flag(const char* doc) { return {{"type", "boolean"}, {"description", doc}}; }

json texts(const char* doc) { return {{"type", "array"}, {"description", doc}, {"items", {{"type", "string"}}}}; }

json text_map(const char* doc) {
  return {{"type", "object"}, {"description", doc}, {"additionalProperties", {{"type", "string"}}}};
}

json map(const char* doc, const json& properties, const std::vector<std::string>& required = {}) {
  json made = {{"type", "object"}, {"description", doc}, {"properties", properties}};
  if (!required.empty()) made["required"] = required;
  return made;
}

json quantity(const char* doc) {
  return {{"description", doc}, {"x-kubernetes-int-or-string", true}};  // 2, 500m, 10Gi
}

json free_form(const char* doc) {
  return {{"type", "object"}, {"description", doc}, {"x-kubernetes-preserve-unknown-fields", true}};
}

json where_manifest() {
  return map("A key of a ConfigMap that has the manifest; it is looked at again every few seconds.",
             {{"configMap", text("Its name.")}, {"key", text("Its key; not given: manifest.")}}, {"configMap"});
}

json spec_schema() {
  json made = map(
      "What shall be.",
      {{"image", text("The image, one with these programs in it.")},
       {"manifest", text("The manifest, as in stream-manifest(5). The job has the name of this object.")},
       {"manifestFrom", where_manifest()},
       {"state",
        choice("suspended stops it with a savepoint, and leaves its volume.", {"running", "suspended"}, "running")},
       {"upgrade", choice("What it goes on from when it is stopped: a savepoint, its newest checkpoint, or nothing.",
                          {"savepoint", "checkpoint", "stateless"}, "savepoint")},
       {"rollback", map("What is done when a new version does not get ready.",
                        {{"after", text("After so long the last one that did runs again, such as 5m; off: never. Not "
                                        "given: 5m.")}})},
       {"savepoints",
        map("Savepoints that the job makes by itself, as in the manifest.",
            {{"every", text("How often, such as 1h.")}, {"keep", number("How many of them are kept.", 1)}}, {"every"})},
       {"restartNonce", number("Another number stops it and starts it again.", 0)},
       {"savepointNonce", number("Another number makes a savepoint.", 0)},
       {"initialSavepoint", text("What it begins from: the path of a savepoint on the volume, or in object storage.")},
       {"parameters", text_map("Parameters of the manifest.")},
       {"set", text_map("What is otherwise than in the manifest, as with --set.")},
       {"parallelism", number("Instances of stages that do not say their number.", 1)},
       {"storage", quantity("Size of the volume; not given: 1Gi.")},
       {"storageClass", text("Class of the volume; not given: the cluster's default.")},
       {"keepVolume", flag("The volume stays when this object is deleted.")},
       {"cpus", quantity("CPUs that the Pod asks for.")},
       {"memory", quantity("Memory that the Pod asks for, and gets at most.")},
       {"isolate", flag("Nobody connects to the Pods but each other, and the controller.")},
       {"secrets", texts("Secrets whose keys stages have as env:KEY.")},
       {"replicas", number("Supervisors that stand ready, each in a Pod, of which one leads.", 1)},
       {"podTemplate", free_form("metadata and spec that are put over those of the Pods.")}},
      {"image"});
  made["properties"]["replicas"]["maximum"] = 9;
  const json either = {{"rule", "has(self.manifest) != has(self.manifestFrom)"},
                       {"message", "one of manifest and manifestFrom is to be given"}};
  made["x-kubernetes-validations"] = json::array({either});
  return made;
}

json condition_schema() {
  return map("", {{"type", text("Ready or Reconciled.")},
                  {"status", text("True or False.")},
                  {"reason", text("One word.")},
                  {"message", text("A sentence.")},
                  {"observedGeneration", number("Of the object, when it was so.", 0)},
                  {"lastTransitionTime", text("Since when the status is so.")}});
}

json savepoint_schema() {
  return map("", {{"path", text("Where it is.")},
                  {"time", text("When it was known to be there.")},
                  {"reason", text("stop, nonce, or schedule.")}});
}

json status_schema() {
  return map("What is.",
             {{"observedGeneration", number("Of the object, that this is about.", 0)},
              {"lifecycle", text("CREATED, DEPLOYING, STABLE, STOPPING, SUSPENDED, ROLLING_BACK, ROLLED_BACK.")},
              {"error", text("Why what is wanted is not what runs.")},
              {"job", map("The job, as it was last seen.", {{"state", text("Its state.")},
                                                            {"checkpoint", number("Its newest checkpoint.", 0)},
                                                            {"checkpointTime", text("When that was complete.")}})},
              {"savepoint", text("The newest savepoint.")},
              {"savepoints",
               {{"type", "array"}, {"description", "The newest first, ten at most."}, {"items", savepoint_schema()}}},
              {"conditions", {{"type", "array"}, {"items", condition_schema()}}},
              {"lastReconciledSpec", text("What runs, or was to run, as JSON.")},
              {"lastStableSpec", text("What has been ready last, as JSON.")},
              {"controller", free_form("What the controller has begun and goes on with.")}});
}

json column(const char* name, const char* type, const char* path) {
  return {{"name", name}, {"type", type}, {"jsonPath", path}};
}

json object(const ControllerDeployed& deployed, const char* version, const char* kind,
            const std::string& name = kControllerName) {
  return {{"apiVersion", version},
          {"kind", kind},
          {"metadata",
           {{"name", name}, {"namespace", deployed.space}, {"labels", {{"app.kubernetes.io/name", kControllerName}}}}}};
}

json rule(const std::vector<std::string>& groups, const std::vector<std::string>& kinds,
          const std::vector<std::string>& verbs, const std::vector<std::string>& names = {}) {
  json made = {{"apiGroups", groups}, {"resources", kinds}};
  if (!names.empty()) made["resourceNames"] = names;
  made["verbs"] = verbs;
  return made;
}

// Besides what it does itself, it must have whatever it grants to jobs: no Role can give what its maker has not.
json role(const ControllerDeployed& deployed) {
  json made = object(deployed, "rbac.authorization.k8s.io/v1", "Role");
  made["rules"] =
      json::array({rule({kGroup}, {kPlural}, {"get", "list", "watch"}),
                   rule({kGroup}, {std::string(kPlural) + "/status"}, {"update"}),
                   rule({"apps"}, {"deployments"}, {"get", "create", "patch"}),
                   rule({""}, {"configmaps"}, {"get", "create", "patch", "update"}),
                   rule({""}, {"serviceaccounts", "persistentvolumeclaims"}, {"create", "patch"}),
                   rule({"networking.k8s.io"}, {"networkpolicies"}, {"create", "patch"}),
                   rule({""}, {"secrets"}, {"create", "patch"}), rule({""}, {"secrets"}, {"get"}, {kControllerName}),
                   rule({""}, {"pods"}, {"get", "list", "create", "delete"}),
                   rule({"coordination.k8s.io"}, {"leases"}, {"get", "create", "patch", "update"}),
                   rule({"rbac.authorization.k8s.io"}, {"roles", "rolebindings"}, {"create", "patch"})});
  return made;
}

json binding(const ControllerDeployed& deployed) {
  const json subject = {{"kind", "ServiceAccount"}, {"name", kControllerName}, {"namespace", deployed.space}};
  json made = object(deployed, "rbac.authorization.k8s.io/v1", "RoleBinding");
  made["roleRef"] = {{"apiGroup", "rbac.authorization.k8s.io"}, {"kind", "Role"}, {"name", kControllerName}};
  made["subjects"] = json::array({subject});
  return made;
}

// What manifests are planned with has the folder where jobs have their volume, with nothing in it.
json container(const ControllerDeployed& deployed) {
  return {
      {"name", "controller"},
      {"image", deployed.image},
      {"command", {"stream", "controller"}},
      {"env", json::array({{{"name", "STREAM_HOME"}, {"value", "/tmp"}}})},
      {"securityContext",
       {{"allowPrivilegeEscalation", false}, {"readOnlyRootFilesystem", true}, {"capabilities", {{"drop", {"ALL"}}}}}},
      {"volumeMounts",
       json::array({{{"name", "scratch"}, {"mountPath", "/tmp"}}, {{"name", "none"}, {"mountPath", kData}}})}};
}

json deployment(const ControllerDeployed& deployed) {
  const json labels = {{"app.kubernetes.io/name", kControllerName}};
  const json spec = {{"serviceAccountName", kControllerName},
                     {"enableServiceLinks", false},
                     {"securityContext",
                      {{"runAsNonRoot", true},
                       {"runAsUser", 65532},
                       {"runAsGroup", 65532},
                       {"seccompProfile", {{"type", "RuntimeDefault"}}}}},
                     {"volumes", json::array({{{"name", "scratch"}, {"emptyDir", json::object()}},
                                              {{"name", "none"}, {"emptyDir", json::object()}}})},
                     {"containers", json::array({container(deployed)})}};
  json made = object(deployed, "apps/v1", "Deployment");
  made["spec"] = {{"replicas", deployed.replicas},
                  {"selector", {{"matchLabels", labels}}},
                  {"template", {{"metadata", {{"labels", labels}}}, {"spec", spec}}}};
  return made;
}

}  // namespace

json resource_definition() {
  json version = {{"name", "v1"}, {"served", true}, {"storage", true}};
  version["schema"]["openAPIV3Schema"] = {
      {"type", "object"},
      {"description", "A pipeline that is run by stream, and looked after by its controller."},
      {"required", {"spec"}},
      {"properties", {{"spec", spec_schema()}, {"status", status_schema()}}}};
  version["subresources"]["status"] = json::object();
  version["additionalPrinterColumns"] = json::array(
      {column("State", "string", ".status.lifecycle"), column("Job", "string", ".status.job.state"),
       column("Checkpoint", "integer", ".status.job.checkpoint"), column("Savepoint", "string", ".status.savepoint"),
       column("Age", "date", ".metadata.creationTimestamp")});
  return {{"apiVersion", "apiextensions.k8s.io/v1"},
          {"kind", "CustomResourceDefinition"},
          {"metadata", {{"name", std::string(kPlural) + "." + kGroup}}},
          {"spec",
           {{"group", kGroup},
            {"scope", "Namespaced"},
            {"names", {{"kind", kKind}, {"plural", kPlural}, {"singular", "streampipeline"}, {"shortNames", {"stp"}}}},
            {"versions", json::array({version})}}}};
}

// What decides who leads, and the Secret of the key, are empty: the controller fills them.
std::vector<json> controller_objects(const ControllerDeployed& deployed) {
  const std::string registers = std::string("stream-") + kControllerJob;
  return {resource_definition(),
          object(deployed, "v1", "ServiceAccount"),
          object(deployed, "v1", "Secret"),
          object(deployed, "v1", "ConfigMap", registers + ".term"),
          object(deployed, "v1", "ConfigMap", registers + ".job"),
          object(deployed, "coordination.k8s.io/v1", "Lease", registers),
          role(deployed),
          binding(deployed),
          deployment(deployed)};
}

}  // namespace stream::kubernetes
