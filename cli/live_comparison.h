// The picture of a comparison that goes on, and the tables of its end.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "compare/performance.h"
#include "compare/result_comparison.h"

namespace stream {

// "performance       A     B   B/A", a line a figure.
std::vector<std::string> performance_lines(const RunFigures& a, const RunFigures& b);

// "errors: 1000 rows in A, 998 in B: 2 only in A so far"
std::string so_far(const ResultComparison& comparison);

// For a terminal of this size; 0: as large as it is. `results`: a line each.
std::vector<std::string> live_lines(const std::array<RunFigures, 2>& figures, std::vector<std::string> results,
                                    std::size_t width, std::size_t height);

}  // namespace stream
