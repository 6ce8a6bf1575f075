// What becomes of what sinks have written, when a run begins with an earlier savepoint or checkpoint: decided from what
// is known about both, without looking at either.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "supervisor/plan.h"
#include "transport/base/ids.h"
#include "transport/base/status.h"

namespace stream {

// What the user says about what sinks have written since the snapshot that a run goes back to.
enum class Outputs : std::uint8_t {
  kUnsaid,  // it must not have to be decided
  kRewind,  // they take it back
  kBeside,  // it stays, the plan writes elsewhere
};

struct GoingBack {
  std::string to;  // "savepoint 'S'" or "checkpoint 7", for the user
  Epoch epoch;     // its own
  std::string job;
  bool known = true;                     // the job has run before
  bool its_own = true;                   // the snapshot is of what the job has gone on from
  bool of_its_name = true;               // … or at least of a job that was called so
  Epoch newest = {};                     // checkpoint whose rows are written; 0 = none
  std::optional<Epoch> going_back = {};  // where its sinks were about to go back to
  Outputs outputs = Outputs::kUnsaid;
  bool accept_duplicates = false;
};

// What sinks are told.
enum class SinksDo : std::uint8_t {
  kBegin,   // a run they do not know
  kGoOn,    // the run they know
  kRewind,  // the run they know, and take back what they have written after the snapshot
};

// Errors: kFailed, saying what the user has to say, or what else to do.
Result<SinksDo> decide_going_back(const GoingBack& what, const JobPlan& plan);

}  // namespace stream
