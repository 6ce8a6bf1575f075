// StandbyKeeper: sees to it that a supervisor on this host stands by for each job that servers have in common. It looks
// again and again; what it starts lives on without it.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "transport/base/clock.h"
#include "transport/base/status.h"

namespace stream::http {

class StandbyKeeper {
 public:
  // What the place knows of a job.
  struct Known {
    bool led = false;                            // somebody leads it, or has led it
    std::optional<Microseconds> ended_for = {};  // it is over, for so long; it may be begun again
    std::string manifest = {};
  };
  struct Ways {
    std::function<Result<std::vector<std::string>>()> jobs;
    std::function<bool(const std::string& job)> supervised_here;
    std::function<Result<Known>(const std::string& job)> known;
    std::function<Status(const std::string& job, const std::string& manifest)> stand_by;  // returns when it does
    std::function<Status(const std::string& job)> strike;                                 // off the list
    std::function<void(const std::string& text)> warn;
  };
  explicit StandbyKeeper(Ways ways) : ways_(std::move(ways)) {}

  // Looks at all jobs once. What has failed is tried again after a while, and told when it is something else than
  // before.
  void look(Microseconds now);

 private:
  struct Later {
    std::string trouble = {};  // "" = it is over, or all is well
    Microseconds wait = 0;
    Microseconds again_at = 0;
  };
  // Whether it is over.
  Result<bool> see_to(const std::string& job);
  void note(const std::string& job, const Status& status, Microseconds now);

  Ways ways_;
  std::map<std::string, Later> later_;  // by job; "" = the list itself
};

}  // namespace stream::http
