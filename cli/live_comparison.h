// The picture of a comparison that goes on, and the tables of its end.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "compare/performance.h"
#include "compare/result_comparison.h"

namespace stream {

// "performance       A     B   B/A", a line a figure.
std::vector<std::string> performance_lines(const RunFigures& a, const RunFigures& b);

// "errors: 1000 rows in A, 998 in B: 2 only in A so far"
std::string so_far(const ResultComparison& comparison);

// For a terminal of this width; 0: as wide as it is.
std::vector<std::string> live_lines(const std::array<RunFigures, 2>& figures,
                                    const std::vector<std::unique_ptr<ResultComparison>>& comparisons,
                                    std::size_t width, std::size_t height);

}  // namespace stream
