#include "snapshot/time_index.h"

#include "snapshot/row_layout.h"

namespace stream {

std::uint32_t& TimeIndex::head(std::int64_t time) {
  if (last_ == heads_.end() || last_->first != time) last_ = heads_.try_emplace(time, kNoRow).first;
  return last_->second;
}

void TimeIndex::erase(std::int64_t time) {
  const auto found = heads_.find(time);
  if (found == last_) last_ = heads_.end();
  heads_.erase(found);
}

void TimeIndex::clear() {
  heads_.clear();
  last_ = heads_.end();
}

}  // namespace stream
