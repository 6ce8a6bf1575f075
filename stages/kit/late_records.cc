#include "stages/kit/late_records.h"

#include <cstdio>

namespace stream {

void LateRecords::add(std::uint64_t rows, bool read, Microseconds now) {
  count_ += rows;
  if (rows == 0 || read) return;
  dropped_ += rows;
  if (limit_.happened(now)) tell();
}

void LateRecords::tell_rest(Microseconds now) {
  if (limit_.due(now)) tell();
}

void LateRecords::tell() const {
  std::fprintf(stderr,
               "%s: warning: late records dropped: %llu so far; raise out-of-order or lateness, or read the output "
               "'late'\n",
               program_.c_str(), static_cast<unsigned long long>(dropped_));
}

void LateRecords::finish() {
  if (!limit_.rest()) return;
  std::fprintf(stderr, "%s: warning: %llu late records dropped in all\n", program_.c_str(),
               static_cast<unsigned long long>(dropped_));
}

}  // namespace stream
