// Comparing results that stand in files.
#pragma once

#include <array>
#include <string>

#include "cli/compare_report.h"

namespace stream {

// Whether it is one: a file of rows, a folder of them, a database that is no savepoint.
bool is_result(const std::string& path);

// The pairs two files or folders make: one, or one for each table of databases. What has no counterpart goes to the
// report. Errors: kUsage, also for a table that is not there.
Result<std::vector<ResultPair>> pairs_of(const std::array<std::string, 2>& paths, const CompareSettings& settings,
                                         CompareReport& report);

// Reads both to their ends and reports. `scratch`: a folder.
Status compare_pair(ResultPair pair, const std::string& scratch, CompareReport& report);

}  // namespace stream
