// RescaleFlow: the phases of a change of parallelism while the job runs. Pure decisions: it sends nothing, reads no
// clock and no file, so every order of events can be tested.
//
//   waiting -> holding -> cutting -> rewiring -> retiring -> starting -> over
//   waiting ------------> cutting ---------------------------^   where all instances start anew
//
// Until the checkpoint is committed nothing has changed and everything can be taken back. From then on the old
// instances stand still, so a failure is one of the job: it starts anew from that checkpoint, as it was before.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "supervisor/coordinator.h"

namespace stream {

enum class RescalePhase : std::uint8_t { kWaiting, kHolding, kCutting, kRewiring, kRetiring, kStarting, kOver };
std::string_view to_string(RescalePhase phase);  // "waiting", …

struct RescaleAction {
  enum class Kind : std::uint8_t {
    kHold,     // tell the instances concerned to stop at the barrier of the next epoch
    kCut,      // take the checkpoint
    kRelease,  // tell who was told to hold to go on; the rescale is off, for this reason
    kRewire,   // close the channels of the old instances and make room for those of the new
    kRetire,   // nobody has a channel to the old instances any more: tell them to exit
    kStart,    // they are gone: the new ones may begin
    kRestart,  // start every instance anew
    kFinish,   // the new number of instances runs
    kFail,     // the job cannot go on as it is, for this reason
  };
  Kind kind = Kind::kHold;
  std::string reason = {};
};

class RescaleFlow {
 public:
  using Actions = std::vector<RescaleAction>;

  // For this long an instance may take to answer what needs no work.
  static constexpr Microseconds kPatience = 10'000'000;

  // `held`: instances that have to confirm that they will stop at the barrier. `whole`: all instances start anew, and
  // nobody is asked to stop.
  RescaleFlow(std::set<InstanceIndex> held, bool whole) : held_(std::move(held)), whole_(whole) {}

  // No checkpoint is under way; the next one will have this epoch.
  Actions quiet(Epoch next, Microseconds now);
  Actions holding(InstanceIndex instance, Epoch epoch);
  Actions aborted(Epoch epoch, const std::string& reason);
  Actions committed(Epoch epoch, Microseconds now);
  Actions detached(Microseconds now);  // nobody has a channel to the old instances any more
  Actions retired();                   // they are gone
  Actions ready();                     // every instance is ready
  Actions tick(Microseconds now);

  RescalePhase phase() const { return phase_; }
  bool whole() const { return whole_; }
  Epoch epoch() const { return epoch_; }  // of the checkpoint it is cut at, from kHolding on
  // The checkpoint is committed: new instances take over, and the old ones do nothing more.
  bool switching() const { return phase_ >= RescalePhase::kRewiring && phase_ < RescalePhase::kOver; }

  friend bool operator==(const RescaleFlow&, const RescaleFlow&) = default;

 private:
  Actions to(RescalePhase phase, RescaleAction::Kind kind, std::string reason = {});

  RescalePhase phase_ = RescalePhase::kWaiting;
  std::set<InstanceIndex> held_;  // who has not confirmed yet
  bool whole_;
  Epoch epoch_;
  Microseconds until_ = 0;  // patience ends
};

}  // namespace stream
