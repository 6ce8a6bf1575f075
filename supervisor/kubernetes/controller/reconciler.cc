#include "supervisor/kubernetes/controller/reconciler.h"

#include <cstdio>
#include <random>

#include "snapshot/digest.h"
#include "supervisor/kubernetes/api/fields.h"
#include "supervisor/kubernetes/controller/decide.h"
#include "supervisor/kubernetes/controller/job_link.h"
#include "supervisor/kubernetes/objects.h"

namespace stream::kubernetes {
namespace {

using nlohmann::json;

constexpr Microseconds kApplyEvery = 60'000'000;  // whoever has changed or deleted an object finds it again
constexpr std::size_t kAppliedMost = 4096;

std::string sha256_of(const std::string& text) {
  Sha256 hash;
  hash.add(text);
  return hash.finish().sha256;
}

std::string new_id() {
  std::random_device random;
  char text[40];
  std::snprintf(text, sizeof text, "%08x%08x%08x%08x", random(), random(), random(), random());
  return text;
}

std::string applied_at(const json& deployment) {
  if (deployment.is_null()) return "";
  const json annotations = deployment["metadata"].value("annotations", json::object());
  return annotations.value(kApplied, "");
}

// All of its Pods are as it says now, and ready.
bool is_ready(const json& deployment) {
  const std::int64_t replicas = number_at(deployment, "/spec/replicas");
  return replicas > 0 &&
         number_at(deployment, "/status/observedGeneration") >= number_at(deployment, "/metadata/generation") &&
         number_at(deployment, "/status/updatedReplicas") == replicas &&
         number_at(deployment, "/status/replicas") == replicas &&
         number_at(deployment, "/status/readyReplicas") == replicas;
}

void say(const Owner& owner, const json& old, const json& status) {
  for (const char* key : {"lifecycle", "error"}) {
    const std::string now = status.value(key, "");
    const std::string before = old.is_object() && old.contains(key) ? old.value(key, "") : "";
    if (now != before && !now.empty()) std::fprintf(stderr, "%s: %s\n", owner.name.c_str(), now.c_str());
  }
}

}  // namespace

// Whoever has read the key of one job, or its hash, knows nothing of another's.
std::string Reconciler::token_of(const Owner& owner) const { return sha256_of(key_ + sha256_of(key_ + owner.uid)); }

std::string Reconciler::tokens_of(const Owner& owner) const {
  return "controller operate " + sha256_of(token_of(owner)) + "\n";
}

Result<json> Reconciler::wanted(const json& pipeline) {
  json spec = pipeline.value("spec", json::object());
  const json from = spec.value("manifestFrom", json());
  if (from.is_object()) {
    const std::string map = from.value("configMap", ""), key = from.value("key", "manifest");
    STREAM_ASSIGN(const auto text, cluster_.text_of_config_map(map, key));
    if (!text) return failed("spec.manifestFrom: there is no ConfigMap '" + map + "' with the key '" + key + "'");
    spec["manifest"] = *text;
  }
  const std::string wrong = check_spec(spec);
  if (!wrong.empty()) return failed(wrong);
  return spec;
}

// What runs already is not planned again to see whether it could.
std::string Reconciler::refusal(const Kept& kept, Seen& seen, const Owner& owner) {
  const std::string digest = digest_of(seen.spec);
  if (digest == digest_of(kept.reconciled) || digest == kept.rolled_back) return "";
  Kept trial = kept;
  trial.reconciled = seen.spec;
  trial.from.clear();
  trial.fresh = false;
  trial.attempt = 0;
  const auto planned = renderer_.objects(trial, owner, tokens_of(owner));
  return planned.ok() ? "" : planned.status().what();
}

Status Reconciler::see(const Kept& kept, Seen& seen, const Owner& owner) {
  const std::string name = object_name(owner.name);
  STREAM_ASSIGN(const json deployment, cluster_.deployment(name));
  STREAM_ASSIGN(const PodsSeen pods, cluster_.pods(owner.name));
  const Applied& applied = applied_[owner.uid];
  seen.pods = applied.trouble.empty() ? pods.trouble : applied.trouble;
  JobLink link(owner.name, token_of(owner));
  if (kept.phase != Phase::kNew && kept.phase != Phase::kSuspended) seen.job = link.look(pods.addresses);
  if (kept.asked) seen.outcome = link.pursue(*kept.asked);
  if (kept.phase == Phase::kNew || kept.phase == Phase::kSuspended || !is_ready(deployment)) return {};
  const auto objects = renderer_.objects(kept, owner, tokens_of(owner));
  const bool ours = objects.ok() && applied_of(*objects) == applied_at(deployment);
  const bool runs = !seen.job || seen.job->state == "RUNNING" || seen.job->state == "FINISHED";
  seen.ready = ours && runs;
  return {};
}

Status Reconciler::make(const Kept& kept, const Owner& owner, const json& deployment) {
  if (kept.phase == Phase::kNew || kept.phase == Phase::kStopping) return {};
  auto objects = renderer_.objects(kept, owner, tokens_of(owner));
  Applied& applied = applied_[owner.uid];
  if (!objects.ok()) {
    applied.trouble = objects.status().what();
    return {};
  }
  const std::string what = applied_of(*objects);
  const Microseconds now = system_clock().monotonic_us();
  if (applied_at(deployment) == what && applied.what == what && now - applied.at < kApplyEvery) return {};
  Status done = cluster_.apply(*objects);
  applied = {what, now, done.ok() ? "" : done.what()};
  return done;
}

Result<bool> Reconciler::look(const std::string& name) {
  STREAM_ASSIGN(const auto found, cluster_.pipeline(name));
  if (!found || (*found)["metadata"].contains("deletionTimestamp")) return false;
  const json& pipeline = *found;
  const Owner owner{name, text_at(pipeline, "/metadata/uid"), cluster_.space()};
  if (applied_.size() > kAppliedMost) applied_.clear();
  const json old = pipeline.value("status", json::object());
  const Kept kept = kept_of(old);
  Seen seen{.generation = number_at(pipeline, "/metadata/generation"), .now_ms = system_clock().wall_us() / 1000};
  auto spec = wanted(pipeline);
  if (!spec.ok() && spec.status().code() == Code::kSystem) return std::move(spec).status();
  STREAM_TRY(see(kept, seen, owner));
  if (spec.ok()) {
    seen.spec = *std::move(spec);
    seen.refused = refusal(kept, seen, owner);
  } else {
    seen.refused = spec.status().what();
  }
  const Kept next = decide(kept, seen, new_id());
  const json status = status_of(next, seen, old);
  if (status != old) {
    STREAM_ASSIGN(const bool written, cluster_.write_status(pipeline, status));
    if (!written) return true;
    say(owner, old, status);
  }
  STREAM_ASSIGN(const json deployment, cluster_.deployment(object_name(name)));
  STREAM_TRY(make(next, owner, deployment));
  return next.phase != kept.phase || next.attempt != kept.attempt;
}

}  // namespace stream::kubernetes
