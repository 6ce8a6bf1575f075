#include "supervisor/kubernetes/controller/decide.h"

#include <algorithm>

namespace stream::kubernetes {
namespace {

using nlohmann::json;

class Decision {
 public:
  Decision(Kept kept, const Seen& seen, const std::string& fresh_id)
      : kept_(std::move(kept)), seen_(seen), fresh_id_(fresh_id), wanted_(wanted()) {}

  Kept made() {
    note_scheduled();
    if (wanted_.is_null()) return std::move(kept_);
    switch (kept_.phase) {
      case Phase::kNew: begin(); break;
      case Phase::kDeploying: follow_deployment(); break;
      case Phase::kStable: follow_stable(); break;
      case Phase::kStopping: follow_stop(); break;
      case Phase::kSuspended: follow_suspended(); break;
    }
    return std::move(kept_);
  }

 private:
  // What cannot be, or has not got ready, is as if it were not wanted.
  json wanted() {
    if (!seen_.refused.empty() || seen_.spec.is_null()) return kept_.reconciled;
    const std::string digest = digest_of(seen_.spec);
    if (digest != kept_.rolled_back) {
      if (kept_.phase != Phase::kNew && !kept_.rolled_back.empty()) kept_.rolled_back.clear();
      return seen_.spec;
    }
    json stable = kept_.stable;
    for (const char* key : {"state", "savepointNonce", "upgrade"}) {
      stable.erase(key);
      if (seen_.spec.contains(key)) stable[key] = seen_.spec[key];
    }
    return stable;
  }

  bool differs() const { return digest_of(wanted_) != digest_of(kept_.reconciled); }
  bool is_finished() const { return seen_.ready && seen_.job && seen_.job->state == "FINISHED"; }
  std::int64_t elapsed() const { return seen_.now_ms - kept_.since_ms; }

  void enter(Phase phase) {
    kept_.phase = phase;
    kept_.ready_since_ms = 0;
    kept_.since_ms = seen_.now_ms;
  }

  void add(const std::string& path, const char* reason) {
    const bool known = std::ranges::find(kept_.savepoints, path, &Savepoint::path) != kept_.savepoints.end();
    if (path.empty() || known) return;
    kept_.savepoints.insert(kept_.savepoints.begin(), {path, seen_.now_ms, reason});
    if (kept_.savepoints.size() > kSavepointsListed) kept_.savepoints.resize(kSavepointsListed);
  }

  // What the job has made by itself. While it makes what it was asked for, that is told with its reason.
  void note_scheduled() {
    if (seen_.job && !kept_.asked) add(seen_.job->savepoint, "schedule");
  }

  void begin() {
    kept_.savepoint_nonce = wanted_.value("savepointNonce", std::int64_t{0});
    kept_.from = wanted_.value("initialSavepoint", "");
    kept_.attempt = 1;
    kept_.reconciled = wanted_;
    enter(is_suspended(wanted_) ? Phase::kSuspended : Phase::kDeploying);
  }

  // A job that fails again and again is ready now and then.
  bool has_settled() {
    if (!seen_.ready)
      kept_.ready_since_ms = 0;
    else if (kept_.ready_since_ms == 0)
      kept_.ready_since_ms = seen_.now_ms;
    if (!seen_.ready) return false;
    const bool goes_on = seen_.job && seen_.job->checkpoint_ms > kept_.since_ms;
    return is_finished() || goes_on || seen_.now_ms - kept_.ready_since_ms >= kSettledMs;
  }

  void follow_deployment() {
    if (is_suspended(wanted_) || differs()) return stop();
    kept_.reconciled = wanted_;
    if (has_settled()) {
      kept_.stable = kept_.reconciled;
      if (kept_.rolled_back.empty()) kept_.trouble.clear();
      return enter(Phase::kStable);
    }
    const std::int64_t after = rollback_after_ms(kept_.reconciled);
    const bool another = kept_.stable.is_object() && digest_of(kept_.stable) != digest_of(kept_.reconciled);
    if (another && after != 0 && elapsed() >= after) roll_back();
  }

  void follow_stable() {
    if (is_suspended(wanted_) || differs()) return stop();
    kept_.reconciled = wanted_;
    if (kept_.asked) return follow_savepoint();
    if (wanted_.value("savepointNonce", std::int64_t{0}) != kept_.savepoint_nonce)
      kept_.asked = Asked{false, fresh_id_, seen_.now_ms, 1};
  }

  void follow_savepoint() {
    if (!seen_.outcome || !seen_.outcome->over) return;
    if (!seen_.outcome->path.empty()) {
      add(seen_.outcome->path, "nonce");
      kept_.trouble.clear();
    } else if (kept_.asked->tries < kTriesMost) {
      kept_.asked = Asked{false, fresh_id_, seen_.now_ms, kept_.asked->tries + 1};
      return;
    } else {
      kept_.trouble = "no savepoint could be made: " + seen_.outcome->why;
    }
    kept_.asked.reset();
    kept_.savepoint_nonce = wanted_.value("savepointNonce", std::int64_t{0});
  }

  // A job that has been ready and does not answer may do so soon; one that has not been has nothing new to save.
  void stop() {
    kept_.asked.reset();
    const bool may_answer = seen_.job ? seen_.job->state == "RUNNING" : kept_.phase == Phase::kStable;
    if (upgrade_of(wanted_) != "savepoint" || is_finished() || !may_answer) return halt("");
    kept_.asked = Asked{true, fresh_id_, seen_.now_ms, 1};
    enter(Phase::kStopping);
  }

  void follow_stop() {
    if (seen_.outcome && seen_.outcome->over) {
      if (!seen_.outcome->path.empty()) {
        add(seen_.outcome->path, "stop");
        return halt(seen_.outcome->path);
      }
      if (kept_.asked->tries < kTriesMost && seen_.job && seen_.job->state == "RUNNING") {
        kept_.asked = Asked{true, fresh_id_, seen_.now_ms, kept_.asked->tries + 1};
        return;
      }
      return halt_without(seen_.outcome->why);
    }
    if (upgrade_of(wanted_) != "savepoint") return halt("");
    const std::int64_t waited = seen_.now_ms - kept_.asked->since_ms;
    if (waited >= kStopMostMs) return halt_without("it has not stopped within ten minutes");
    if (!seen_.job && !seen_.outcome && waited >= kSilentMs) halt_without("it does not answer");
  }

  void halt_without(const std::string& why) {
    halt("");
    kept_.trouble = "there is no savepoint of before, it goes on from its newest checkpoint: " + why;
  }

  // It has stopped, or stops with its Pods.
  void halt(const std::string& savepoint) {
    kept_.asked.reset();
    kept_.before = savepoint;
    kept_.finished = is_finished();
    kept_.trouble.clear();
    if (!is_suspended(wanted_)) return deploy();
    kept_.reconciled = wanted_;
    enter(Phase::kSuspended);
  }

  void follow_suspended() {
    if (!is_suspended(wanted_)) return deploy();
    kept_.finished = kept_.finished && !differs();
    kept_.reconciled = wanted_;
  }

  // What has finished is not run again only because it was suspended. What has never run begins as it was said to.
  void deploy() {
    if (!kept_.finished || differs()) {
      ++kept_.attempt;
      kept_.from = kept_.stable.is_null() && kept_.before.empty() ? wanted_.value("initialSavepoint", "") : "";
      kept_.fresh = upgrade_of(wanted_) == "stateless";
    }
    kept_.finished = false;
    kept_.reconciled = wanted_;
    enter(Phase::kDeploying);
  }

  void roll_back() {
    kept_.rolled_back = digest_of(kept_.reconciled);
    kept_.trouble = "what is wanted did not get ready in time, and the version before runs again" +
                    (seen_.pods.empty() ? "" : ": " + seen_.pods);
    ++kept_.attempt;
    kept_.from = kept_.before;
    kept_.fresh = false;
    kept_.reconciled = kept_.stable;
    kept_.reconciled["state"] = "running";
    enter(Phase::kDeploying);
  }

  Kept kept_;
  const Seen& seen_;
  const std::string& fresh_id_;
  json wanted_;
};

}  // namespace

Kept decide(Kept kept, const Seen& seen, const std::string& fresh_id) {
  return Decision(std::move(kept), seen, fresh_id).made();
}

}  // namespace stream::kubernetes
