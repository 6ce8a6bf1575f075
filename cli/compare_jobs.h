// Comparing two jobs that somebody else has started. They are only looked at.
#pragma once

#include <array>
#include <string>

#include "cli/compare_report.h"
#include "cli/verb_values.h"

namespace stream {

// Watches both until they are over, --for has passed or the user leaves; then compares what sinks of the same name have
// written, as far as that stands in files of this machine. Errors: kUsage, kSystem.
Status compare_jobs(const std::array<std::string, 2>& names, const VerbValues& values, const CompareSettings& settings,
                    CompareReport& report);

}  // namespace stream
