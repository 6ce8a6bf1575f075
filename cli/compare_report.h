// CompareReport: what `stream compare` prints, whatever it has compared.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "cli/verb_values.h"
#include "compare/difference_printer.h"
#include "compare/performance.h"
#include "compare/result_comparison.h"

namespace stream {

// What the user asked for, see kCompareVerb.
struct CompareSettings {
  PrintSettings print;
  DiffOptions diff;   // an empty key is found out
  std::string table;  // "" = all
  std::string stage;  // "" = all
};
// Errors: kUsage for a tolerance that is no number.
Result<CompareSettings> compare_settings(const VerbValues& values);

class CompareReport {
 public:
  explicit CompareReport(const CompareSettings& settings) : settings_(settings) {}

  // All that a comparison has found, and what it has counted.
  Status add(ResultComparison& comparison);
  // What keeps something from being compared: results differ.
  Status missing(const std::string& of, const std::string& what);
  // What a reader must know; no difference.
  Status remark(const std::string& of, const std::string& what);
  // What was compared and printed elsewhere, but for `left_out` lines. `noted`: something was missing.
  Status counted(const std::string& of, const DiffCounts& counts, std::uint64_t left_out, bool noted);

  // Of two runs; `how` they ran.
  Status performance(const RunFigures& a, const RunFigures& b, const std::string& how);

  // The last line: the whole as JSON.
  Status finish();
  bool equal() const { return equal_; }

 private:
  const CompareSettings& settings_;
  bool equal_ = true;
  nlohmann::ordered_json results_ = nlohmann::ordered_json::array();
  nlohmann::ordered_json performance_;
};

// Memory for rows that do not cancel out, of each comparison.
inline constexpr std::uint64_t kNetBytesMax = 64U << 20;

}  // namespace stream
