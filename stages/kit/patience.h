// Patience: for how long something outside, as a server, may fail before that is a failure of the stage. Pure.
#pragma once

#include "transport/base/clock.h"
#include "transport/base/status.h"

namespace stream {

// Wrong options stay wrong, and a record that was refused is refused again; all else may be right later.
inline bool may_pass(const Status& why) { return why.code() != Code::kUsage && why.code() != Code::kBadRecord; }

class Patience {
 public:
  using MayPass = bool (*)(const Status&);

  explicit Patience(Microseconds most, MayPass passes = may_pass) : most_(most), may_pass_(passes) {}

  void succeeded() { failing_ = false; }
  bool failing() const { return failing_; }

  // Takes note of a failure. `again`: when it would be tried next, at the earliest; monotonic as `now`. False: trying
  // again cannot help, or would be too late; what failed is to be reported.
  bool lasts(const Status& why, Microseconds now, Microseconds again) {
    if (!failing_) since_ = now;
    failing_ = true;
    return may_pass_(why) && again - since_ < most_;
  }

 private:
  Microseconds most_;
  MayPass may_pass_;
  bool failing_ = false;
  Microseconds since_ = 0;
};

}  // namespace stream
