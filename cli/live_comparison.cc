#include "cli/live_comparison.h"

#include "cli/table.h"
#include "compare/difference_printer.h"

namespace stream {

std::vector<std::string> performance_lines(const RunFigures& a, const RunFigures& b) {
  Table table({"performance", ">A", ">B", ">B/A"});
  for (const auto& [what, in_a, in_b, ratio] : performance_rows(a, b)) table.add({what, in_a, in_b, ratio});
  return table.lines();
}

std::string so_far(const ResultComparison& comparison) {
  const bool at_most = !comparison.diff().so_far_exact();
  return comparison.of() + ": " + sentence(comparison.diff().so_far(), false) + " so far" +
         (at_most ? ", at most" : "");
}

std::vector<std::string> live_lines(const std::array<RunFigures, 2>& figures, std::vector<std::string> results,
                                    std::size_t width, std::size_t height) {
  std::vector<std::string> lines = {"A " + figures[0].state + "  B " + figures[1].state +
                                    "  (q or Ctrl-C ends it with a report)"};
  for (std::string& line : results) lines.push_back(std::move(line));
  lines.emplace_back();
  for (std::string& line : performance_lines(figures[0], figures[1])) lines.push_back(std::move(line));
  if (height > 1 && lines.size() > height - 1) lines.resize(height - 1);
  for (std::string& line : lines) line.resize(width == 0 ? line.size() : std::min(line.size(), width));
  return lines;
}

}  // namespace stream
