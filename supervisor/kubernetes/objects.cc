#include "supervisor/kubernetes/objects.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace stream::kubernetes {
namespace {

constexpr std::size_t kManifestMost = 1'000'000;  // etcd takes little more
constexpr std::size_t kNameMost = 63;
constexpr std::size_t kSecretMost = 253;
constexpr std::string_view kData = "/var/lib/stream";
constexpr std::string_view kLower = "abcdefghijklmnopqrstuvwxyz0123456789-";

// What the container does. A Deployment starts whatever ends: a job that has finished must not begin anew, so its end
// is read from what the job itself keeps, with the digest of what was run. SIGTERM is the job's: it ends with a
// checkpoint. $1 is the digest, $2 the job, the rest what `stream` is told.
constexpr std::string_view kScript =
    "digest=$1 job=$2\n"
    "shift 2\n"
    "cd \"$STREAM_DATA\" || exit 1\n"
    "stop() { stopped=1; [ -z \"$pid\" ] || kill -TERM \"$pid\"; }\n"
    "trap stop TERM INT\n"
    "if [ \"$(cat .deployed 2>/dev/null)\" != \"$digest\" ] || ! stream wait \"$job\" --timeout 1ms 2>/dev/null; then\n"
    "  printf %s \"$digest\" > .deployed.new && mv .deployed.new .deployed || exit 1\n"
    "  stream \"$@\" &\n"
    "  pid=$!\n"
    "  [ -z \"$stopped\" ] || kill -TERM \"$pid\"\n"
    "  wait \"$pid\"; code=$?\n"
    "  while kill -0 \"$pid\" 2>/dev/null; do wait \"$pid\"; code=$?; done\n"
    "  [ -z \"$stopped\" ] && [ \"$code\" = 0 ] || exit \"$code\"\n"
    "  pid=\n"
    "  stream wait \"$job\" --timeout 1ms || exit 1\n"
    "fi\n"
    "echo \"$job: has finished\"\n"
    "[ -z \"$stopped\" ] || exit 0\n"
    "sleep infinity & pid=$!\n"
    "wait \"$pid\"\n"
    "exit 0\n";

// The job answers, or has finished.
constexpr std::string_view kProbe = "stream wait \"$0\" --for running --timeout 5s || stream wait \"$0\" --timeout 1ms";

// YAML takes a text as JSON has it.
std::string as_text(std::string_view text) { return nlohmann::json(text).dump(); }

std::string list(const std::vector<std::string>& words) { return nlohmann::json(words).dump(); }

std::string head(const Deployed& deployed, std::string_view version, std::string_view kind) {
  std::string text = "---\napiVersion: " + std::string(version) + "\nkind: " + std::string(kind) +
                     "\nmetadata:\n  name: " + object_name(deployed.job) + "\n";
  if (!deployed.space.empty()) text += "  namespace: " + as_text(deployed.space) + "\n";
  return text + "  labels: {app.kubernetes.io/name: stream, app.kubernetes.io/instance: " + as_text(deployed.job) +
         "}\n";
}

std::string resources(const Deployed& deployed) {
  nlohmann::ordered_json asked = nlohmann::ordered_json::object();
  if (!deployed.cpus.empty()) asked["requests"]["cpu"] = deployed.cpus;
  if (!deployed.memory.empty()) asked["requests"]["memory"] = asked["limits"]["memory"] = deployed.memory;
  return asked.dump();
}

std::string environment(const Deployed& deployed) {
  std::string text = "          env:\n            - {name: STREAM_HOME, value: " + std::string(kData) +
                     "/jobs}\n            - {name: STREAM_DATA, value: " + std::string(kData) + "}\n";
  if (deployed.secrets.empty()) return text;
  text += "          envFrom:\n";
  for (const std::string& secret : deployed.secrets)
    text += "            - secretRef: {name: " + as_text(secret) + "}\n";
  return text;
}

std::string command(const Deployed& deployed) {
  std::vector<std::string> words = {"/bin/sh",    "-c",  std::string(kScript), "stream", deployed.digest,
                                    deployed.job, "run", deployed.file};
  words.insert(words.end(), deployed.run.begin(), deployed.run.end());
  return list(words);
}

std::string container(const Deployed& deployed) {
  const std::string probe = "{command: " + list({"/bin/sh", "-c", std::string(kProbe), deployed.job}) + "}";
  return "      containers:\n        - name: stream\n          image: " + as_text(deployed.image) +
         "\n          command: " + command(deployed) + "\n" + environment(deployed) +
         "          resources: " + resources(deployed) +
         "\n"
         "          readinessProbe: {exec: " +
         probe +
         ", periodSeconds: 10, timeoutSeconds: 15}\n"
         "          securityContext:\n"
         "            allowPrivilegeEscalation: false\n"
         "            readOnlyRootFilesystem: true\n"
         "            capabilities: {drop: [ALL]}\n"
         "          volumeMounts:\n"
         "            - {name: data, mountPath: " +
         std::string(kData) +
         "}\n"
         "            - {name: manifest, mountPath: " +
         as_text(std::string(kData) + "/" + deployed.file) +
         ", subPath: manifest, readOnly: true}\n"
         "            - {name: scratch, mountPath: /tmp}\n";
}

std::string deployment(const Deployed& deployed) {
  const std::string labels =
      "{app.kubernetes.io/name: stream, app.kubernetes.io/instance: " + as_text(deployed.job) + "}";
  const std::string name = object_name(deployed.job);
  return head(deployed, "apps/v1", "Deployment") +
         "spec:\n"
         "  replicas: 1\n"
         "  strategy: {type: Recreate}  # never two at once\n"
         "  selector: {matchLabels: " +
         labels +
         "}\n"
         "  template:\n"
         "    metadata:\n"
         "      labels: " +
         labels +
         "\n"
         "      annotations: {stream/digest: " +
         as_text(deployed.digest) +
         "}\n"
         "    spec:\n"
         "      serviceAccountName: " +
         name +
         "\n"
         "      automountServiceAccountToken: false  # the job asks the API server for nothing\n"
         "      enableServiceLinks: false\n"
         "      terminationGracePeriodSeconds: 300\n"
         "      securityContext:\n"
         "        runAsNonRoot: true\n"
         "        runAsUser: 65532\n"
         "        runAsGroup: 65532\n"
         "        fsGroup: 65532\n"
         "        seccompProfile: {type: RuntimeDefault}\n" +
         container(deployed) +
         "      volumes:\n"
         "        - {name: data, persistentVolumeClaim: {claimName: " +
         name +
         "}}\n"
         "        - {name: manifest, configMap: {name: " +
         name +
         "}}\n"
         "        - {name: scratch, emptyDir: {}}\n";
}

bool is_label(std::string_view text, std::size_t most, std::string_view also = "") {
  const std::string of = std::string(kLower) + std::string(also);
  return !text.empty() && text.size() <= most && text.find_first_not_of(of) == std::string_view::npos &&
         !text.starts_with('-') && !text.ends_with('-');
}

// 1, 0.5, 250m, 2Gi: the part of quantities that is used.
bool is_quantity(std::string_view text) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
  const std::string_view unit = text.substr(digits);
  constexpr std::string_view kUnits[] = {"", "m", "k", "M", "G", "T", "Ki", "Mi", "Gi", "Ti"};
  return digits > 0 && text.front() != '.' && text[digits - 1] != '.' &&
         std::ranges::count(text.substr(0, digits), '.') <= 1 && text.find_first_not_of("0.") < digits &&
         std::ranges::find(kUnits, unit) != std::end(kUnits);
}

Status bad_value(const char* option, const std::string& value, const char* wanted) {
  return usage_error("--" + std::string(option) + ": '" + value + "' is not " + wanted);
}

}  // namespace

std::string object_name(const std::string& job) { return "stream-" + job; }

Status check(const Deployed& deployed) {
  if (!is_label(object_name(deployed.job), kNameMost))
    return usage_error("'" + deployed.job +
                       "' is no name that Kubernetes takes: it must not end with '-'; give another with --name");
  if (deployed.image.empty())
    return usage_error("--on kubernetes needs --image IMAGE, one with these programs in it, see stream-kubernetes(7)");
  if (!deployed.space.empty() && !is_label(deployed.space, kNameMost))
    return bad_value("namespace", deployed.space, "a name of a namespace");
  if (!deployed.storage_class.empty() && !is_label(deployed.storage_class, kSecretMost, "."))
    return bad_value("storage-class", deployed.storage_class, "a name of a storage class");
  for (const std::string& secret : deployed.secrets) {
    if (!is_label(secret, kSecretMost, ".")) return bad_value("secret", secret, "a name of a Secret");
  }
  if (!is_quantity(deployed.storage)) return bad_value("storage", deployed.storage, "a size, such as 10Gi");
  if (!deployed.cpus.empty() && !is_quantity(deployed.cpus))
    return bad_value("cpus", deployed.cpus, "a number of CPUs, such as 2 or 500m");
  if (!deployed.memory.empty() && !is_quantity(deployed.memory))
    return bad_value("memory", deployed.memory, "a size, such as 2Gi");
  if (deployed.manifest.size() > kManifestMost)
    return usage_error("'" + deployed.file + "' has more than 1 MB, which no ConfigMap holds");
  return {};
}

std::string objects(const Deployed& deployed) {
  std::string claim = head(deployed, "v1", "PersistentVolumeClaim") + "spec:\n  accessModes: [ReadWriteOnce]\n";
  if (!deployed.storage_class.empty()) claim += "  storageClassName: " + as_text(deployed.storage_class) + "\n";
  claim += "  resources: {requests: {storage: " + as_text(deployed.storage) + "}}\n";
  return "# Made by 'stream deploy --on kubernetes': see stream-kubernetes(7).\n" +
         head(deployed, "v1", "ServiceAccount") + "automountServiceAccountToken: false\n" +
         head(deployed, "v1", "ConfigMap") + "data:\n  manifest: " + as_text(deployed.manifest) + "\n" + claim +
         deployment(deployed);
}

}  // namespace stream::kubernetes
