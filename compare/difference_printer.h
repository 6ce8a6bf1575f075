// DifferencePrinter: differences as lines for people or as NDJSON, on standard output.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "compare/result_diff.h"

namespace stream {

// What is printed of differences.
struct PrintSettings {
  bool as_json = false;
  std::uint64_t limit = UINT64_MAX;  // of lines for each result
};

class DifferencePrinter final : public DiffVisitor {
 public:
  DifferencePrinter(const PrintSettings& settings, const std::string& of, const RecordColumns& columns)
      : settings_(settings), of_(of), columns_(columns) {}

  Status only(Side side, const ResultRecord& row, std::uint64_t times) override;
  Status differs(const ResultRecord& a, const ResultRecord& b, std::span<const std::size_t> columns,
                 std::uint64_t times) override;
  // Lines beyond the limit.
  std::uint64_t left_out() const { return left_out_; }

 private:
  bool room();
  nlohmann::ordered_json object(const ResultRecord& row, bool key, bool rest) const;
  std::string words(const ResultRecord& row, std::size_t begin, std::size_t end) const;

  const PrintSettings& settings_;
  const std::string& of_;
  const RecordColumns& columns_;
  std::uint64_t printed_ = 0;
  std::uint64_t left_out_ = 0;
};

// Counts only.
class NoVisitor final : public DiffVisitor {
 public:
  Status only(Side, const ResultRecord&, std::uint64_t) override { return {}; }
  Status differs(const ResultRecord&, const ResultRecord&, std::span<const std::size_t>, std::uint64_t) override {
    return {};
  }
};

// "1000 rows in A, 999 in B: 1 only in A, 2 differ" or "…: equal".
std::string sentence(const DiffCounts& counts, bool noted);
nlohmann::ordered_json to_json(const DiffCounts& counts);

// A line of NDJSON on standard output, and whether it could be written.
Status print_json_line(const nlohmann::ordered_json& line);
Status print_line(const std::string& line);

}  // namespace stream
