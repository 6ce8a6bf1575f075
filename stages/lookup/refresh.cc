#include "stages/lookup/refresh.h"

#include <algorithm>

namespace stream {

void Refresh::succeeded(Microseconds now) {
  reading_ = false;
  failing_since_.reset();
  due_ = every_ ? std::optional(now + *every_) : std::nullopt;
}

Status Refresh::failed(Microseconds now, const Status& why, bool have) {
  reading_ = false;
  if (!failing_since_) failing_since_ = now;
  // What is missing or wrong for a moment, as while a file is replaced, may be right again.
  const bool passes = have || why.code() == Code::kSystem || why.code() == Code::kNotFound;
  // Three times at least, however seldom it is looked at.
  const Microseconds patience = std::max(kPatience, have && every_ ? 3 * *every_ : 0);
  if (!passes || now - *failing_since_ >= patience) return why;
  due_ = now + (have && every_ ? std::max(kPause, *every_) : kPause);
  return {};
}

}  // namespace stream
