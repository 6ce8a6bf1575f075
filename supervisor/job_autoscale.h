// JobAutoscale: lets a JobRunner's job follow the room that hosts have and, if its manifest says so, what its stages
// have to do. It looks at the job at intervals, has elastic_plan.h and Autoscaler decide, and asks for a LiveRescale as
// a user would.
//
// What it has decided is durable before anything is done: a supervisor that is killed meanwhile begins again with that.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "supervisor/autoscale/autoscaler.h"
#include "supervisor/elastic_plan.h"
#include "transport/base/clock.h"

namespace stream {

class JobRunner;

// What must outlive a supervisor, in the job store.
struct ElasticMemory {
  InstanceNumbers wanted = {};  // of stages whose number was decided: by a user, or by numbers
  autoscale::Changes changes = {};

  friend bool operator==(const ElasticMemory&, const ElasticMemory&) = default;
};
std::string memory_to_json(const ElasticMemory& memory);
ElasticMemory memory_from_json(const std::string& text);  // what is of the wrong kind is not there

class JobAutoscale {
 public:
  explicit JobAutoscale(JobRunner& runner);

  // `goes_on`: the run goes on where it stood; else nothing of before counts.
  Status load(bool goes_on);
  // Before the instances of an attempt are placed: the plan gets the numbers that are wanted, as far as there is room.
  Status fit();
  // Once a turn of the supervisor. Errors are failures of the job.
  Status turn(Microseconds now);
  Microseconds next() const;

  // What somebody asks for: bounds that come without a number get one.
  void complete(std::vector<RescaleWish>& wishes) const;
  // It is done, and the plan is the new one.
  void on_rescaled(const std::set<std::size_t>& stages);
  void on_rescale_failed();
  // Other bounds, and nothing else.
  void on_bounds_changed();

  nlohmann::json view() const;  // null: no stage has bounds

 private:
  enum class Cause : std::uint8_t { kUser, kRoom, kNumbers };
  // What the room depends on: when it changes, it is looked at again.
  struct Room {
    std::set<std::string> lost;
    std::uint64_t attempt = 0;
    friend bool operator==(const Room&, const Room&) = default;
  };

  bool may_look() const;
  bool may_change() const;
  std::optional<autoscale::Sample> sample(Microseconds now) const;
  autoscale::Graph graph() const;
  InstanceNumbers fitting(const InstanceNumbers& wanted) const;
  Room room() const;
  void follow_mode();
  Status follow_room();
  Status decide(Microseconds now);
  void advise(const std::vector<autoscale::StageDecision>& changes);
  void tell_held(const std::string& text);
  Status change(Renumbered next, Cause cause);
  Status save();

  JobRunner& runner_;
  ElasticMemory memory_;
  ElasticMemory before_;  // a change that is under way
  Cause cause_ = Cause::kUser;
  std::optional<autoscale::Autoscaler> autoscaler_;
  std::vector<autoscale::StageDecision> decisions_;  // the newest
  std::uint64_t attempt_ = 0;                        // whose numbers are looked at
  std::optional<Room> looked_at_;
  std::string told_;  // what was advised, or why nothing is done, so that it is told once
  Microseconds next_ = 0;
};

}  // namespace stream
