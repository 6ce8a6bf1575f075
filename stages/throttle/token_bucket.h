// TokenBucket: how many rows may go now, at most so many a second. Pure: the caller brings the time.
#pragma once

#include <cstdint>

#include "transport/base/clock.h"

namespace stream {

class TokenBucket {
 public:
  // After a pause a tenth of a second's rows go at once, and one at least.
  explicit TokenBucket(double rows_a_second);

  // Rows that may go at `now`. A clock that was put back begins anew.
  std::uint64_t available(Microseconds now);
  void take(std::uint64_t rows);                   // at most what is available
  std::uint64_t rows_in(Microseconds time) const;  // one at least
  // When so many, or as many as go at once, will be there.
  Microseconds when(std::uint64_t rows) const;

 private:
  double rate_;  // rows a microsecond
  double most_;
  double tokens_ = 1;
  Microseconds seen_ = 0;
};

}  // namespace stream
