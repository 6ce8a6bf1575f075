#include "supervisor/watermark_watch.h"

#include <utility>

namespace stream {

bool WatermarkWatch::observe(InstanceIndex instance, const std::string& held_by, Microseconds watermark,
                             Microseconds now) {
  Hold& hold = holds_[instance];
  if (held_by.empty() || held_by != hold.by || watermark != hold.watermark) {
    hold = {held_by, watermark, now, false};
    return false;
  }
  return now - hold.since > kLong && !std::exchange(hold.told, true);
}

}  // namespace stream
