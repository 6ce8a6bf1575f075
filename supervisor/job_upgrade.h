// Upgrade: a running job becomes another version of itself, or stays what it was.
//
//   stopping    a last checkpoint of the old version, and a savepoint of it
//   trying      the new version runs from the savepoint; nothing of it is committed
//   accepted    its first checkpoint is published: the point of no return. Its sinks commit
//   going back  the new version has failed: the old one starts again where it stopped
//
// Publication decides, wherever a process dies: the store says "old" until the first checkpoint of the new version is
// there, and what a new supervisor finds then is settled by looking for it (settle_upgrade()).
#pragma once

#include <optional>
#include <string>

#include "snapshot/checkpoint.h"
#include "supervisor/job_paths.h"
#include "supervisor/job_store.h"
#include "supervisor/plan.h"
#include "transport/base/clock.h"

namespace stream {

inline constexpr Microseconds kUpgradeTimeout = 300'000'000;

struct UpgradeWish {
  JobPlan plan;
  std::string plan_json;
  std::string manifest;
  bool drop_state = false;  // of stages that are gone
  // How long the new version may take from its start to its first checkpoint.
  Microseconds timeout = kUpgradeTimeout;
  // How long it runs before its first checkpoint is taken; none: the checkpoint interval.
  std::optional<Microseconds> trial = std::nullopt;
  std::string asked_by = {};  // connection
};

enum class UpgradeStage : std::uint8_t { kStopping, kTrying, kAccepted, kGoingBack };

struct Upgrade {
  UpgradeWish wish;
  UpgradeStage stage = UpgradeStage::kStopping;
  Microseconds began = 0;  // monotonic
  std::string savepoint = {};
  // The old version, and where it stopped.
  JobPlan old_plan = {};
  std::string old_plan_json = {};
  std::string old_manifest = {};
  std::optional<CheckpointIndex> old_restore = std::nullopt;
  Microseconds deadline = INT64_MAX;       // of the first checkpoint; monotonic
  Microseconds checkpoint_at = INT64_MAX;  // when it is to be taken; monotonic
  Epoch first = {};                        // that checkpoint, once it is published
  std::string cause = {};                  // why the new version failed
};

// Of a job that nobody runs: an upgrade that its supervisor did not live to finish is over, one way or the other.
Status settle_upgrade(JobStore& store, const JobPaths& paths);

}  // namespace stream
