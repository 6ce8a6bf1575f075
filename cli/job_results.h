// Where the results of a job are.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "cli/compare_report.h"
#include "supervisor/plan.h"

namespace stream {

// Pairs of what sinks of the same name write, and what keeps others from being compared: they are on a server, are
// not there yet, are only in one job. Errors: kUsage for a stage that is no sink of either.
struct JobResults {
  std::vector<ResultPair> pairs;
  struct Missing {
    std::string of;
    std::string what;
  };
  std::vector<Missing> missing;
};
Result<JobResults> results_of(const std::array<JobPlan, 2>& plans, const CompareSettings& settings);

}  // namespace stream
