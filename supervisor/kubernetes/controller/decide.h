// What becomes of a pipeline, given what is wanted, kept and seen. Pure.
//
//              savepoint to stop with                 wanted: suspended
//   Deploying ─────────────────────▶ Stopping ─────────────────────────▶ Suspended
//     │  ▲  ◀───────────────────────────┘ wanted: running                    │
//     ▼  └──────────────────────────────────────────────────────────────────-┘
//   Stable ─▶ Stopping, where something else is wanted
//
// Stopping is left out where the job goes on from its newest checkpoint: its Pods stop with one. Whatever is wanted is
// looked at again when it has stopped, so there is never more than one change at a time.
#pragma once

#include "supervisor/kubernetes/controller/model.h"

namespace stream::kubernetes {

inline constexpr std::int64_t kSilentMs = 60'000;  // a job that does not answer for so long is stopped without asking
inline constexpr std::int64_t kStopMostMs = 600'000;  // a stop that takes longer
inline constexpr std::int64_t kSettledMs = 30'000;    // ready for so long without a checkpoint is good enough
inline constexpr int kTriesMost = 3;
inline constexpr std::size_t kSavepointsListed = 10;

// `fresh_id`: of what is asked for next, unlike any other.
Kept decide(Kept kept, const Seen& seen, const std::string& fresh_id);

}  // namespace stream::kubernetes
