// The status of the object: for people, and what the controller keeps in it.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <ctime>

#include "supervisor/kubernetes/api/fields.h"
#include "supervisor/kubernetes/controller/model.h"

namespace stream::kubernetes {
namespace {

using nlohmann::json;

constexpr std::int64_t kCheckpointsToldMs = 10'000;  // each change is a write of the cluster's store

constexpr std::array<std::string_view, 5> kPhases = {"new", "deploying", "stable", "stopping", "suspended"};

// What was kept as text; null where there is none.
json parsed(const json& status, const char* key) {
  json found = json::parse(text_at(status, key), nullptr, false);
  return found.is_object() ? found : json();
}

std::optional<Asked> asked_of(const json& told) {
  if (!told.is_object()) return std::nullopt;
  return Asked{flag_at(told, "/stop"), text_at(told, "/id"), number_at(told, "/sinceMs"),
               static_cast<int>(number_at(told, "/tries"))};
}

std::int64_t wall_ms(const std::string& text) {
  std::tm parts{};
  return ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts) == nullptr ? 0 : std::int64_t{::timegm(&parts)} * 1000;
}

json own_part(const Kept& kept) {
  json own = {{"phase", kPhases[static_cast<std::size_t>(kept.phase)]},
              {"attempt", kept.attempt},
              {"from", kept.from},
              {"fresh", kept.fresh},
              {"sinceMs", kept.since_ms},
              {"readySinceMs", kept.ready_since_ms},
              {"rolledBack", kept.rolled_back},
              {"before", kept.before},
              {"finished", kept.finished},
              {"savepointNonce", kept.savepoint_nonce},
              {"trouble", kept.trouble}};
  if (kept.asked)
    own["asked"] = {{"stop", kept.asked->stop},
                    {"id", kept.asked->id},
                    {"sinceMs", kept.asked->since_ms},
                    {"tries", kept.asked->tries}};
  return own;
}

const char* lifecycle_of(const Kept& kept) {
  const bool back = !kept.rolled_back.empty();
  switch (kept.phase) {
    case Phase::kNew: return "CREATED";
    case Phase::kDeploying: return back ? "ROLLING_BACK" : "DEPLOYING";
    case Phase::kStable: return back ? "ROLLED_BACK" : "STABLE";
    case Phase::kStopping: return "STOPPING";
    case Phase::kSuspended: return "SUSPENDED";
  }
  return "";
}

struct Condition {
  const char* type;
  bool is = false;
  std::string reason;
  std::string message;
};

Condition ready_of(const Kept& kept, const Seen& seen) {
  if (kept.phase == Phase::kSuspended) return {"Ready", false, "Suspended", ""};
  if (seen.ready) return {"Ready", true, "Running", ""};
  return {"Ready", false, kept.phase == Phase::kNew ? "NotMade" : "NotReady", seen.pods};
}

Condition reconciled_of(const Kept& kept, const Seen& seen) {
  if (!seen.refused.empty()) return {"Reconciled", false, "Refused", seen.refused};
  if (!kept.rolled_back.empty()) return {"Reconciled", false, "RolledBack", kept.trouble};
  const bool settled = kept.phase == Phase::kStable || kept.phase == Phase::kSuspended;
  if (settled && digest_of(seen.spec) == digest_of(kept.reconciled))
    return {"Reconciled", true, "Reconciled", kept.trouble};
  return {"Reconciled", false, "Progressing", kept.trouble};
}

json condition(const Condition& now, const Seen& seen, const json& old) {
  const char* word = now.is ? "True" : "False";
  std::string since = time_text(seen.now_ms);
  for (const json& before : part_at(old, "/conditions")) {
    if (text_at(before, "/type") == now.type && text_at(before, "/status") == word)
      since = text_at(before, "/lastTransitionTime");
  }
  return {{"type", now.type},
          {"status", word},
          {"reason", now.reason},
          {"message", now.message},
          {"observedGeneration", seen.generation},
          {"lastTransitionTime", since}};
}

json job_part(const Kept& kept, const Seen& seen, const json& old) {
  json job = part_at(old, "/job");
  if (!job.is_object()) job = json::object();
  if (seen.job && kept.phase != Phase::kSuspended) {
    job["state"] = seen.job->state;
    const std::int64_t told = wall_ms(text_at(job, "/checkpointTime"));
    if (seen.job->checkpoint > 0 && std::abs(seen.job->checkpoint_ms - told) >= kCheckpointsToldMs) {
      job["checkpoint"] = seen.job->checkpoint;
      job["checkpointTime"] = time_text(seen.job->checkpoint_ms);
    }
  } else if (kept.phase == Phase::kSuspended) {
    job["state"] = kept.finished ? "FINISHED" : "SUSPENDED";
  } else {
    job["state"] = "UNKNOWN";
  }
  return job;
}

json savepoints_of(const Kept& kept) {
  json all = json::array();
  for (const Savepoint& one : kept.savepoints)
    all.push_back({{"path", one.path}, {"time", time_text(one.at_ms)}, {"reason", one.reason}});
  return all;
}

std::string as_text(const json& spec) { return spec.dump(-1, ' ', false, json::error_handler_t::replace); }

}  // namespace

std::string time_text(std::int64_t wall_ms) {
  const std::time_t seconds = wall_ms / 1000;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[40];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

Kept kept_of(const json& status) {
  const json own = part_at(status, "/controller");
  Kept kept;
  const auto* phase = std::ranges::find(kPhases, text_at(own, "/phase"));
  if (phase != kPhases.end()) kept.phase = static_cast<Phase>(phase - kPhases.begin());
  kept.reconciled = parsed(status, "/lastReconciledSpec");
  kept.stable = parsed(status, "/lastStableSpec");
  if (kept.reconciled.is_null()) kept.phase = Phase::kNew;
  kept.attempt = number_at(own, "/attempt");
  kept.from = text_at(own, "/from");
  kept.fresh = flag_at(own, "/fresh");
  kept.since_ms = number_at(own, "/sinceMs");
  kept.ready_since_ms = number_at(own, "/readySinceMs");
  kept.asked = asked_of(part_at(own, "/asked"));
  if (kept.phase == Phase::kStopping && !kept.asked) kept.phase = Phase::kStable;  // somebody has written there
  kept.rolled_back = text_at(own, "/rolledBack");
  kept.before = text_at(own, "/before");
  kept.finished = flag_at(own, "/finished");
  kept.savepoint_nonce = number_at(own, "/savepointNonce");
  kept.trouble = text_at(own, "/trouble");
  for (const json& one : part_at(status, "/savepoints"))
    kept.savepoints.push_back({text_at(one, "/path"), wall_ms(text_at(one, "/time")), text_at(one, "/reason")});
  return kept;
}

json status_of(const Kept& kept, const Seen& seen, const json& old) {
  json status = {{"observedGeneration", seen.generation},
                 {"lifecycle", lifecycle_of(kept)},
                 {"error", seen.refused.empty() ? kept.trouble : seen.refused},
                 {"job", job_part(kept, seen, old)},
                 {"savepoints", savepoints_of(kept)},
                 {"controller", own_part(kept)}};
  if (!kept.savepoints.empty()) status["savepoint"] = kept.savepoints.front().path;
  if (kept.reconciled.is_object()) status["lastReconciledSpec"] = as_text(kept.reconciled);
  if (kept.stable.is_object()) status["lastStableSpec"] = as_text(kept.stable);
  status["conditions"] =
      json::array({condition(ready_of(kept, seen), seen, old), condition(reconciled_of(kept, seen), seen, old)});
  return status;
}

}  // namespace stream::kubernetes
