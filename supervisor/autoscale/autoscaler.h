// Autoscaler: how many instances the stages of a job should have, by what they do. Pure: whoever asks brings the time
// and the numbers.
//
// A stage should be able to take
//
//   demand / target utilization  +  catch-up  +  what piles up while instances are replaced, worked off in time
//
// rows a second. It keeps its number as long as what it can take is between this at the upper bound of the band and at
// the lower one; else it gets as many instances as that takes, a row's share each. Nothing happens until the numbers of
// a whole window are there, which begins when the job has settled behind its start or the last change.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "supervisor/autoscale/load.h"

namespace stream::autoscale {

enum class Verdict : std::uint8_t {
  kSettling,     // numbers are not there yet
  kNoData,       // nothing could be measured
  kWithin,       // it has what it needs
  kUp,           // more
  kDown,         // fewer
  kBounded,      // more or fewer would be right, and its bounds do not allow it
  kIneffective,  // the last ones that were added have not helped
  kGrace,        // fewer would do, but some were added a short time ago
  kWaiting,      // fewer would do, but not for long enough yet
  kExcluded,     // it would change now, but not in this period
};
std::string_view to_string(Verdict verdict);  // "settling", …

struct StageDecision {
  std::size_t stage = 0;  // in the graph
  std::string name = {};
  std::uint32_t least = 0;
  std::uint32_t most = 0;
  std::uint32_t current = 1;
  std::uint32_t target = 1;  // what is to be done: `current` where it is nothing
  std::uint32_t wanted = 1;  // what would be right, within its bounds
  Verdict verdict = Verdict::kSettling;
  StageLoad load = {};
  double required = 0;  // rows a second that it should be able to take
  double expected = 0;  // … that it will, with `target` instances
};

// "totals 1 -> 3: busy 98%, takes 980/s of at most 1000/s, needs 2100/s (1400/s come in, 33/s to catch up with 10000)"
std::string to_text(const StageDecision& decision);

// The last change of a stage.
struct Change {
  Microseconds at = 0;  // wall clock
  std::uint32_t from = 0;
  std::uint32_t to = 0;
  double true_rate = 0;  // before it
  double expected = 0;   // behind it

  friend bool operator==(const Change&, const Change&) = default;
};
using Changes = std::map<std::string, Change>;  // by stage

// The number of instances that gives a stage `factor` times what it has now: within the bounds, and the least of those
// among which its key groups are divided as well.
std::uint32_t parallelism_for(const StageFacts& stage, double factor, const Settings& settings);

class Autoscaler {
 public:
  explicit Autoscaler(Settings settings, Changes changes = {})
      : settings_(std::move(settings)), changes_(std::move(changes)) {}

  const Settings& settings() const { return settings_; }
  // Of those that were made, what must outlive this object.
  const Changes& changes() const { return changes_; }

  // Instances begin, or have been replaced: what was counted before counts no more.
  void settle(Microseconds now);
  // Counters as they are now; at most one an interval is kept.
  void observe(Sample sample);
  // Of each stage that has bounds.
  std::vector<StageDecision> decide(const Graph& graph, Microseconds now, Microseconds wall);
  // What was decided is being done.
  void acted(const StageDecision& decision, Microseconds wall);
  // … and came to nothing.
  void undone(const std::string& stage) { changes_.erase(stage); }

 private:
  struct Below {
    Microseconds since = 0;  // monotonic
    std::uint32_t most = 0;  // that would have been right since
  };
  StageDecision decide_stage(const StageFacts& facts, const StageLoad& load, Microseconds now, Microseconds wall);
  void judge_up(StageDecision& decision, const StageFacts& facts) const;
  void judge_down(StageDecision& decision, Microseconds now, Microseconds wall);
  double capacity(const StageLoad& load, double utilization, bool with_restart) const;
  bool excluded(Microseconds wall) const;

  Settings settings_;
  Changes changes_;
  std::deque<Sample> samples_;
  Microseconds settled_at_ = 0;
  std::map<std::string, Below> below_;
};

}  // namespace stream::autoscale
