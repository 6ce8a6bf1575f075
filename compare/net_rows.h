// NetRows: how many more times A has a row than B.
//
// Rows that both have cancel out, in whatever order they come, and rows that were taken back cancel what they take
// back. What is left is a few rows where two results are alike. Beyond a limit it goes to an SQLite file, to be sorted
// there: memory stays bounded however much differs. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "snapshot/sqlite.h"

namespace stream {

class NetRows {
 public:
  // `scratch`: a folder, for a file that is made when it is needed and has no name there.
  NetRows(std::string scratch, std::uint64_t bytes_max) : scratch_(std::move(scratch)), bytes_max_(bytes_max) {}

  // Rows of one key are found together. `times` is positive for rows of A. Errors: kSystem.
  Status add(std::string_view key, std::string_view row, std::int64_t times);

  struct Net {
    std::string_view key;
    std::string_view row;
    std::int64_t times;  // not 0
  };
  // All that does not cancel out, by key, then by row. Can be asked again later. Errors: kSystem, those of `visit`.
  Status each(const std::function<Status(const Net&)>& visit);

  // Rows that one side has and the other has not, so far. An upper bound once some are on disk.
  std::uint64_t only_a() const { return only_a_; }
  std::uint64_t only_b() const { return only_b_; }
  bool exact() const { return spilled_ == nullptr; }

 private:
  Status spill();
  Status open();
  Status each_in_memory(const std::function<Status(const Net&)>& visit) const;

  std::string scratch_;
  std::uint64_t bytes_max_;
  std::uint64_t bytes_ = 0;
  std::unordered_map<std::string, std::int64_t> net_;  // the length of the key, 4 bytes; the key; the row
  std::uint64_t only_a_ = 0;
  std::uint64_t only_b_ = 0;
  std::unique_ptr<Database> spilled_;
};

}  // namespace stream
