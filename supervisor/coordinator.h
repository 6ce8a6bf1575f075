// Coordinator: which checkpoint is taken when, and when it counts. Pure decisions: it sends
// nothing, reads no clock and no file, so every order of events can be tested.
//
// A checkpoint goes through:  trigger -> all instances have their snapshot -> publish (the only
// commit point) -> complete -> all instances have committed. An aborted checkpoint is not a
// rollback: the job runs on and the next one covers it. The caller does what the actions say, in
// their order, and reports what comes of it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "transport/base/clock.h"
#include "transport/base/ids.h"

namespace stream {

using InstanceIndex = Id<struct InstanceIndexTag, std::uint32_t>;

struct CoordinatorConfig {
  std::uint32_t instances = 0;
  bool periodic = true;
  Microseconds interval = 1'000'000;
  Microseconds timeout = 600'000'000;
  Microseconds min_pause = 0;
};

struct CoordinatorAction {
  enum class Kind : std::uint8_t {
    kTrigger,    // reserve the epoch durably, then tell the sources; `stopping`: they pause
    kPublish,    // every snapshot is there: write the index, then call published()
    kComplete,   // tell every instance that the epoch is complete
    kAborted,    // report why; nothing to send
    kCommitted,  // every instance has committed the epoch: retention may work, a savepoint be built
    kDrain,      // tell the sources to behave as if their input had ended
    kFinished,   // nothing is left to do: tell every instance to exit
  };
  Kind kind = Kind::kTrigger;
  Epoch epoch = {};
  bool stopping = false;
  std::string reason = {};
};

class Coordinator {
 public:
  using Actions = std::vector<CoordinatorAction>;

  // `next` is the lowest epoch never used; `now` when the attempt began to run.
  Coordinator(CoordinatorConfig config, Epoch next, Microseconds now);

  // --- wishes -------------------------------------------------------------------------------------
  // A checkpoint as soon as may be; the epoch it will have is in the next kTrigger.
  Actions request(Microseconds now);
  // A last checkpoint, after which the job ends with kFinished. `drain`: sources end first.
  Actions stop(bool drain, Microseconds now);

  // It does not stop after all; `drain` is not taken back. A checkpoint is due, with which the sources read on.
  Actions run_on(Microseconds now);

  // No checkpoint is taken but by cut(), until go_on(): a rescale has a checkpoint of its own.
  void pause() { paused_ = true; }
  Actions go_on(Microseconds now);
  // While paused, cut() takes a checkpoint at once, of epoch next(), if none is under way.
  bool may_cut(Microseconds now) const { return may_trigger(now) && !ending(); }
  Actions cut(Microseconds now);
  bool ending() const { return last_ || draining_ || last_wanted(); }
  Epoch next() const { return next_; }

  // Whether checkpoints come by themselves. What is asked for and the last one come all the same.
  void set_periodic(bool on) { config_.periodic = on; }

  // --- events -------------------------------------------------------------------------------------
  Actions tick(Microseconds now);
  Actions trigger_failed(Epoch epoch, const std::string& reason, Microseconds now);
  Actions snapshot(InstanceIndex instance, Epoch epoch, Microseconds now);
  Actions snapshot_failed(InstanceIndex instance, Epoch epoch, const std::string& reason, Microseconds now);
  Actions published(Epoch epoch, Microseconds now);
  Actions publish_failed(Epoch epoch, const std::string& reason, Microseconds now);
  Actions committed(InstanceIndex instance, Epoch epoch, Microseconds now);
  Actions ended(InstanceIndex instance, Microseconds now);

  // When tick() has something to do next; none: only after an event.
  std::optional<Microseconds> next_tick() const;

  bool in_progress() const { return current_.has_value(); }
  std::optional<Epoch> current() const;
  std::set<InstanceIndex> missing() const;  // whose snapshot is still awaited
  // A stop has done what it can: all that is awaited is that complete checkpoints are committed.
  bool awaits_commits_only() const {
    return (stopping_ || draining_) && !current_ && (last_ || uncommitted_.size() >= kUncommittedMax);
  }
  // Nothing will be read behind the checkpoint that was published last.
  bool last_is_complete() const { return last_ == last_complete_; }
  Epoch last_complete() const { return last_complete_; }
  bool all_ended() const { return ended_.size() == config_.instances; }
  bool draining() const { return draining_; }

 private:
  struct Current {
    Epoch epoch;
    Microseconds started = 0;
    bool stopping = false;
    bool publishing = false;
    std::set<InstanceIndex> snapshots;
  };
  static constexpr std::size_t kUncommittedMax = 2;

  Actions failed(Epoch epoch, const std::string& reason, Microseconds now);
  bool last_wanted() const { return stopping_ || all_ended(); }
  bool may_trigger(Microseconds now) const;
  void trigger(Microseconds now, Actions& actions);
  void abort(const std::string& reason, Microseconds now, Actions& actions);
  void maybe_trigger(Microseconds now, Actions& actions);

  CoordinatorConfig config_;
  Epoch next_;
  Epoch last_complete_;
  std::optional<Current> current_;
  std::map<Epoch, std::set<InstanceIndex>> uncommitted_;  // complete -> who has committed
  std::set<InstanceIndex> ended_;
  Microseconds due_;           // of the next periodic checkpoint
  Microseconds retry_at_ = 0;  // not before, after an abort
  bool requested_ = false;
  bool stopping_ = false;
  bool draining_ = false;
  bool paused_ = false;
  std::optional<Epoch> last_;  // the epoch after whose commit the job is finished
};

}  // namespace stream
