// StateFit: whether a job may go on, by a changed plan, from the state it has kept.
//
// Arithmetic over two plans: the one the state was written by, which every checkpoint and savepoint holds,
// and the one that is wanted now.
#pragma once

#include <string>
#include <vector>

#include "supervisor/plan.h"

namespace stream {

struct StateFit {
  std::vector<std::string> misfits;  // kept state would be taken for something else, a line each
  std::vector<std::string> lost;     // kept state that nothing takes up any more, a line each
  std::vector<std::string> notes;    // what begins without state, a line each

  // `drop`: what nothing takes up may be lost.
  bool fits(bool drop) const { return misfits.empty() && (drop || lost.empty()); }
  // misfits and lost, with the ways on, an indented line each behind the `first`.
  std::string report(const std::string& first) const;
};

// `settled`: all that sinks had prepared is written, as in every savepoint. Else they have to finish what they began.
StateFit fit_state(const JobPlan& kept, const JobPlan& wanted, bool settled);

}  // namespace stream
