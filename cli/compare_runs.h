// Running two pipelines over the same input, and comparing what they make and what they take.
#pragma once

#include "cli/compare_report.h"
#include "cli/verb_values.h"

namespace stream {

// A and B of `values` are manifests or pipelines. Both run in a folder of their own that is gone afterwards; their
// sinks are not started. What is wrong with a pipeline is on standard error already where `told` is set. Errors:
// kUsage, kFailed if one of them fails, kInterrupted.
Status compare_runs(const VerbValues& values, const CompareSettings& settings, CompareReport& report, bool& told);

}  // namespace stream
