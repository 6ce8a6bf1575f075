// WatermarkWatch: notices an input that holds event time back for long. Pure: the caller brings the time.
#pragma once

#include <map>
#include <string>

#include "supervisor/coordinator.h"
#include "transport/base/clock.h"

namespace stream {

class WatermarkWatch {
 public:
  static constexpr Microseconds kLong = 60'000'000;

  // What an instance says of its event time: `held_by` is the input behind all others, "" if none is.
  // True once for every hold of more than kLong: then somebody should hear of it.
  bool observe(InstanceIndex instance, const std::string& held_by, Microseconds watermark, Microseconds now);

 private:
  struct Hold {
    std::string by;
    Microseconds watermark = 0;
    Microseconds since = 0;
    bool told = false;
  };
  std::map<InstanceIndex, Hold> holds_;
};

}  // namespace stream
