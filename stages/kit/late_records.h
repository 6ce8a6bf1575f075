// LateRecords: counts the rows that came too late for their window. Where nothing reads the output
// `late` they are gone, and a warning says so.
#pragma once

#include <cstdint>
#include <string>

#include "stages/kit/warning_limit.h"

namespace stream {

class LateRecords {
 public:
  // `program` is for messages: "stream-aggregate".
  explicit LateRecords(std::string program) : program_(std::move(program)) {}

  // `read`: something reads the output they go to.
  void add(std::uint64_t rows, bool read, Microseconds now);

  // Call when there is time: says what could not be said at once.
  void tell_rest(Microseconds now);

  // The input has ended: says how many were dropped, where not all have been told.
  void finish();

  std::uint64_t count() const { return count_; }

 private:
  void tell() const;

  std::string program_;
  std::uint64_t count_ = 0;
  std::uint64_t dropped_ = 0;
  WarningLimit limit_;
};

}  // namespace stream
