#include "supervisor/alignment.h"

#include <algorithm>

namespace stream {

void Alignment::observe(InstanceIndex source, Report report) {
  const auto known = sources_.find(source);
  if (known != sources_.end()) known->second = report;
}

std::optional<InstanceIndex> Alignment::slowest() const {
  std::optional<InstanceIndex> slowest;
  Microseconds lowest = INT64_MAX;
  for (const auto& [source, report] : sources_) {
    if (report.idle || report.ended || (slowest && report.watermark >= lowest)) continue;
    slowest = source;
    lowest = report.watermark;
  }
  return slowest;
}

// Where nobody holds back, all may go on.
std::optional<Microseconds> Alignment::limit() const {
  const auto source = slowest();
  if (!source) return sources_.empty() ? std::nullopt : std::optional(INT64_MAX);
  const Microseconds lowest = sources_.at(*source).watermark;
  if (lowest == INT64_MIN) return std::nullopt;
  return lowest > INT64_MAX - drift_ ? INT64_MAX : lowest + drift_;
}

std::optional<Microseconds> Alignment::news() {
  const auto now = limit();
  if (!now || now == said_) return std::nullopt;
  said_ = now;
  return now;
}

}  // namespace stream
