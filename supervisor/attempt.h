// AttemptRun: the processes of one attempt, from fork to their end.
//
//   start -> every instance says hello and gets its assignment -> every input is bound -> senders
//   connect -> every instance is ready -> start() lets the sources read
//
// It decides nothing about checkpoints or restarts: it reports what happens as events.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "supervisor/alignment.h"
#include "supervisor/assignments.h"
#include "supervisor/coordinator.h"
#include "supervisor/job_log.h"
#include "supervisor/launcher.h"
#include "supervisor/rescale_plan.h"
#include "supervisor/watermark_watch.h"
#include "transport/base/histogram.h"
#include "transport/control.h"

namespace stream {

struct AllReady {};
struct SnapshotReported {
  InstanceIndex instance;
  SnapshotDone done;
};
struct SnapshotFailed {
  InstanceIndex instance;
  Epoch epoch;
  std::string reason;
};
struct EpochCommitted {
  InstanceIndex instance;
  Epoch epoch;
};
struct InputEnded {
  InstanceIndex instance;
};
struct PeerLost {  // a consequence of another failure, or of a broken connection
  InstanceIndex instance;
  std::string reason;
};
struct Misbehaved {  // said what cannot be
  InstanceIndex instance;
  std::string reason;
};
struct InstanceExited {
  InstanceIndex instance;
  ProcessExit exit;
};
struct Holding {  // it will stop at the barrier of this epoch
  InstanceIndex instance;
  Epoch epoch;
};
struct Detached {};  // nobody has a channel to the instances that are being replaced
struct Retired {};   // they have ended
using AttemptEvent = std::variant<AllReady, SnapshotReported, SnapshotFailed, EpochCommitted, InputEnded, PeerLost,
                                  Misbehaved, InstanceExited, Holding, Detached, Retired>;

struct InstanceState {
  InstanceName name;
  std::string label;  // "errors.0"
  std::string host;   // its name in the manifest; "" = the supervisor's
  std::unique_ptr<LaunchedInstance> child;
  Attempt attempt;              // of the assignment
  Microseconds started_us = 0;  // wall: when its process was started, or took the place of another
  bool can_rescale = false;
  bool can_be_traced = false;  // it takes the message traced
  bool waits = false;          // it takes the place of another that has not ended yet
  bool greeted = false;        // it has said hello
  bool bound = false;
  bool connected = false;
  bool ready = false;
  bool ended = false;
  bool exited = false;
  bool waits_told = false;                    // that it waited for others was said once
  std::string last_word;                      // what it said of its own failure
  std::optional<Microseconds> trouble_since;  // monotonic; while `stats` tells of trouble
  InstanceStats stats;
  InstanceStats earlier;      // about a second before, for rates
  Microseconds stats_at = 0;  // monotonic
  Microseconds earlier_at = 0;
  metrics::RecentValues latency_ms;
  std::optional<SnapshotDone> snapshot;  // the newest
};

class AttemptRun {
 public:
  struct Setup {
    const JobPlan* plan = nullptr;
    std::vector<Assignment> assignments;  // by InstanceIndex
    std::vector<Channel> channels;
    Launcher* launcher = nullptr;
    std::string key;        // of channels between hosts
    int print_output = -1;  // standard output of `print` stages
    Microseconds heartbeat = 10'000'000;
  };
  AttemptRun(Setup setup, ControlServer& control, JobLog& log);
  ~AttemptRun();  // kills what still runs

  // Starts every process. Errors: kSystem, naming the executable.
  Status start();

  void add_to(Poller& poller) const;
  // Takes in everything that has happened. Errors: kSystem.
  Result<std::vector<AttemptEvent>> collect();

  // Errors: kFailed for an instance of another host: it cannot be `done` something with from here.
  Status check_here(InstanceIndex instance, const std::string& done) const;
  Status send(InstanceIndex instance, const Note& note);
  Status send_all(const Note& note);
  Status send_sources(const Note& note);

  // --- instances are replaced while others go on (attempt_rewire.cc)
  // The instances of `steps.restarts` make way for those of `next`, all as `assignments` says, which are of `next`; the
  // new processes start and wait. Neighbours are told; Detached comes when they have done their part.
  Status rewire(const JobPlan& next, const RescalePlan& steps, std::vector<Channel> channels,
                std::vector<Assignment> assignments);
  // Tells those that make way to exit; Retired comes when they have.
  Status retire();
  // The new ones begin; AllReady comes when all are ready, those that went on as well.
  Status begin_new();
  // To the instances of these stages: read.
  Status start_sources(const std::set<std::size_t>& stages);
  const std::vector<Channel>& channels() const { return setup_.channels; }
  const std::vector<Assignment>& assignments() const { return setup_.assignments; }

  // Instances that have said nothing for the heartbeat time.
  std::vector<InstanceIndex> silent(Microseconds now) const;

  // An instance that has waited for something outside, as a server, for so long.
  const InstanceState* in_trouble(Microseconds now, Microseconds at_least) const;

  void kill_all();
  bool all_exited() const;
  const std::vector<InstanceState>& instances() const { return instances_; }
  bool is_source(const InstanceState& state) const;
  bool is_print(const InstanceState& state) const;

 private:
  using Events = std::vector<AttemptEvent>;
  void read_outputs();
  void read_output(InstanceState& state);
  static void take_last_line(InstanceState& state);
  Status take(const ControlMessage& message, Events& events);
  Status on_note(InstanceIndex index, const std::string& text, const Note& note, Events& events);
  Status on_endpoints(InstanceState& state, const Note& note);
  Status connect_all();
  Status start_process(InstanceState& state);
  Status assign(InstanceState& state);
  void follow_event_time();
  void follow_rewiring(Events& events);
  void on_stats(InstanceState& state, const InstanceStats& stats);
  bool aligned(const InstanceState& state) const;
  Status align(InstanceIndex index, const InstanceStats& stats);
  void tell_who_waits(InstanceState& state, const InstanceStats& stats);
  std::string identity(const InstanceState& state) const;
  std::optional<InstanceIndex> find(const std::string& identity) const;
  bool all(bool InstanceState::*flag) const;

  Setup setup_;
  ControlServer& control_;
  JobLog& log_;
  std::vector<InstanceState> instances_;
  std::map<std::string, std::string> endpoints_;  // channel -> endpoint
  bool ready_reported_ = false;
  enum class Rewiring : std::uint8_t { kNone, kDetaching, kDetached, kRetiring, kReplacing };
  Rewiring rewiring_ = Rewiring::kNone;
  std::vector<InstanceState> retiring_;
  Microseconds retire_until_ = 0;  // then they are killed
  WatermarkWatch watch_;
  std::optional<Alignment> alignment_;  // none: sources read as fast as they can
};

}  // namespace stream
