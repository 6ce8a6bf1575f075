#include "supervisor/ha/kubernetes/kubernetes_coordination.h"

#include <algorithm>
#include <charconv>
#include <ctime>
#include <functional>

namespace stream::ha {
namespace {

using nlohmann::json;

constexpr std::size_t kTextMost = 1'000'000;  // a ConfigMap takes 1 MiB, with all that is in it
constexpr std::size_t kNameMost = 200;        // of a job: its objects may have 253
constexpr int kTries = 5;                     // of a sign of life that others write as well
constexpr Microseconds kPatienceLeast = 500'000;
constexpr char kConfigMaps[] = "configmaps";
constexpr char kLeases[] = "leases";
constexpr char kLeaseGroup[] = "apis/coordination.k8s.io/v1";

std::uint64_t number_of(const std::string& text) {
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// "2026-11-28T11:04:05.000123Z", which the API wants to the microsecond.
std::string time_text(Microseconds wall) {
  const std::time_t seconds = wall / 1'000'000;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[40], whole[60];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(whole, sizeof whole, "%s.%06dZ", text, static_cast<int>(wall % 1'000'000));
  return whole;
}

bool is_name(const std::string& job) {
  return job.size() <= kNameMost &&
         job.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-.") == std::string::npos && !job.ends_with('-') &&
         !job.ends_with('.') && job.find("..") == std::string::npos && job.find("-.") == std::string::npos &&
         job.find(".-") == std::string::npos;
}

Result<kubernetes::ApiPlace> api_of(const Place& place) {
  kubernetes::ApiPlace api;
  if (place.hosts.empty()) {
    STREAM_ASSIGN(api, kubernetes::api_of_this_pod());
  } else {
    api.server = "https://" + place.hosts;
  }
  if (place.path.size() > 1) api.space = place.path.substr(1);
  const auto take = [&](const char* option, std::string& to) {
    if (const auto at = place.options.find(option); at != place.options.end()) to = at->second;
  };
  take("token-file", api.token_file);
  take("ca-file", api.authority);
  take("cert-file", api.cert_file);
  take("key-file", api.key_file);
  return api;
}

std::string word(const json& object, const char* part, const char* key) {
  const auto found = object.find(part);
  if (found == object.end() || !found->is_object()) return "";
  const auto value = found->find(key);
  return value != found->end() && value->is_string() ? value->get<std::string>() : "";
}

}  // namespace

KubernetesCoordination::KubernetesCoordination(kubernetes::ApiPlace api, const Place& place, std::string job,
                                               std::string id)
    : api_(std::move(api), std::max(place.lease / 3, kPatienceLeast)),
      place_(place),
      job_(std::move(job)),
      id_(std::move(id)) {}

Result<std::unique_ptr<KubernetesCoordination>> KubernetesCoordination::open(const Place& place, const std::string& job,
                                                                             const std::string& id) {
  if (!is_name(job))
    return usage_error("'" + job +
                       "' is no name that Kubernetes takes, which knows no capitals and no '_'; give another with "
                       "--name");
  STREAM_ASSIGN(kubernetes::ApiPlace api, api_of(place));
  std::unique_ptr<KubernetesCoordination> opened(new KubernetesCoordination(std::move(api), place, job, id));
  STREAM_TRY(opened->look(Register::kTerm).status());
  STREAM_TRY(opened->look_lease().status());
  opened->allowed_ = true;
  return opened;
}

std::string KubernetesCoordination::name_of(Register which) const {
  return "stream-" + job_ + (which == Register::kTerm ? ".term" : ".job");
}

Status KubernetesCoordination::refused(const std::string& doing, const kubernetes::ApiAnswer& answer) const {
  Status status = kubernetes::status_of(doing + " at '" + place_.text + "'", answer);
  if (allowed_ && (answer.status == 401 || answer.status == 403)) return {Code::kSystem, status.what()};
  return status;
}

Result<KubernetesCoordination::Seen> KubernetesCoordination::look(Register which) {
  const std::string path = api_.path_of("api/v1", kConfigMaps) + "/" + name_of(which);
  STREAM_ASSIGN(const kubernetes::ApiAnswer answer, api_.call("GET", path));
  Seen seen;
  if (answer.status == 200) {
    seen.there = true;
    seen.resource = word(answer.body, "metadata", "resourceVersion");
    seen.version = number_of(word(answer.body, "data", "version"));
    seen.text = word(answer.body, "data", "text");
  } else if (answer.status != 404) {
    return refused("read ConfigMap '" + name_of(which) + "'", answer);
  }
  const std::lock_guard lock(mutex_);
  latest_[static_cast<std::size_t>(which)] = seen;
  return seen;
}

Result<Entry> KubernetesCoordination::read(Register which) {
  STREAM_ASSIGN(Seen seen, look(which));
  return Entry{seen.version, std::move(seen.text)};
}

Result<bool> KubernetesCoordination::replace(const std::string& path, const std::string& name, json object,
                                             const Seen& seen) {
  object["metadata"] = {{"name", name},
                        {"labels",
                         {{"app.kubernetes.io/name", "stream"},
                          {"app.kubernetes.io/instance", job_},
                          {"app.kubernetes.io/managed-by", "stream"}}}};
  if (seen.there) object["metadata"]["resourceVersion"] = seen.resource;
  const auto answer = seen.there ? api_.call("PUT", path + "/" + name, object) : api_.call("POST", path, object);
  STREAM_TRY(answer.status());
  if (answer->status == 200 || answer->status == 201) return true;
  if (answer->status == 409 || (seen.there && answer->status == 404)) return false;
  return refused("write '" + name + "'", *answer);
}

Result<std::optional<std::uint64_t>> KubernetesCoordination::write(Register which, std::uint64_t expected,
                                                                   const std::string& text) {
  if (text.size() > kTextMost)
    return failed("what is to be kept at '" + place_.text + "' has " + std::to_string(text.size()) +
                  " bytes, and a ConfigMap takes at most 1 MiB: the manifest is too long");
  Seen seen;
  {
    const std::lock_guard lock(mutex_);
    seen = std::exchange(latest_[static_cast<std::size_t>(which)], Seen());
  }
  if (!seen.there || seen.version != expected) { STREAM_ASSIGN(seen, look(which)); }
  if (seen.version != expected) return std::optional<std::uint64_t>();
  const json object = {{"apiVersion", "v1"},
                       {"kind", "ConfigMap"},
                       {"data", {{"version", std::to_string(expected + 1)}, {"text", text}}}};
  STREAM_ASSIGN(const bool done, replace(api_.path_of("api/v1", kConfigMaps), name_of(which), object, seen));
  if (!done) return std::optional<std::uint64_t>();
  return std::optional(expected + 1);
}

Result<KubernetesCoordination::Seen> KubernetesCoordination::look_lease() {
  const std::string name = "stream-" + job_;
  STREAM_ASSIGN(const kubernetes::ApiAnswer answer, api_.call("GET", api_.path_of(kLeaseGroup, kLeases) + "/" + name));
  if (answer.status == 404) return Seen();
  if (answer.status != 200) return refused("read Lease '" + name + "'", answer);
  const json spec = answer.body.value("spec", json::object());
  return Seen{.there = true,
              .resource = word(answer.body, "metadata", "resourceVersion"),
              .version = spec.value("leaseTransitions", std::uint64_t{0}),
              .text = word(answer.body, "spec", "holderIdentity"),
              .renewed = word(answer.body, "spec", "renewTime")};
}

Status KubernetesCoordination::put_lease(std::uint64_t term, const std::string& holder, const Seen& seen, bool* done) {
  const std::string now = time_text(system_clock().wall_us());
  const json object = {{"apiVersion", "coordination.k8s.io/v1"},
                       {"kind", "Lease"},
                       {"spec",
                        {{"holderIdentity", holder},
                         {"leaseDurationSeconds", std::max<Microseconds>(1, place_.lease / 1'000'000)},
                         {"renewTime", now},
                         {"leaseTransitions", term}}}};
  STREAM_ASSIGN(*done, replace(api_.path_of(kLeaseGroup, kLeases), "stream-" + job_, object, seen));
  return {};
}

// What is there may be of who tries to lead the next term, and shows itself before it does: it will do so again.
Status KubernetesCoordination::beat(std::uint64_t term) {
  for (int i = 0; i < kTries; ++i) {
    STREAM_ASSIGN(const Seen seen, look_lease());
    bool done = false;
    STREAM_TRY(put_lease(term, id_, seen, &done));
    if (done) return {};
  }
  return {Code::kSystem, "unable to show a sign of life at '" + place_.text + "': others write there all the time"};
}

Result<Pulse> KubernetesCoordination::pulse(std::uint64_t term, const std::string& leader) {
  STREAM_ASSIGN(const Seen seen, look_lease());
  if (seen.version != term) return Pulse();  // it has only begun
  Pulse pulse;
  pulse.gone = seen.text.empty();
  pulse.beats = std::hash<std::string>()(seen.renewed + leader);
  return pulse;
}

Status KubernetesCoordination::leave(std::uint64_t term) {
  STREAM_ASSIGN(const Seen seen, look_lease());
  if (seen.version != term || seen.text != id_) return {};
  bool done = false;
  return put_lease(term, "", seen, &done);
}

}  // namespace stream::ha

// What place.cc looks for in this library.
extern "C" __attribute__((visibility("default"))) stream::ha::Coordination* stream_open_kubernetes(
    const stream::ha::Place& place, const std::string& job, const std::string& id, stream::Status& status);
stream::ha::Coordination* stream_open_kubernetes(const stream::ha::Place& place, const std::string& job,
                                                 const std::string& id, stream::Status& status) {
  auto opened = stream::ha::KubernetesCoordination::open(place, job, id);
  if (opened.ok()) return std::move(*opened).release();
  status = opened.status();
  return nullptr;
}
