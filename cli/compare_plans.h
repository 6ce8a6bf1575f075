// The two plans that are run to be compared.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "cli/compare_report.h"
#include "cli/verb_values.h"
#include "compare/performance.h"
#include "compare/result_comparison.h"
#include "supervisor/job_runner.h"

namespace stream {

struct PlannedRuns {
  std::vector<RunRequest> requests;  // A, B
  std::array<RunStages, 2> stages;
  std::vector<ResultPair> pairs;  // of sinks that both have
};

// `folder`: where both will run. Sinks of one side alone go to the report. What is wrong with a pipeline is printed,
// and `told` set. Errors: kUsage.
Result<PlannedRuns> plan_runs(const VerbValues& values, const CompareSettings& settings, const std::string& folder,
                              CompareReport& report, bool& told);

}  // namespace stream
