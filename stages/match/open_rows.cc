#include "stages/match/open_rows.h"

#include <algorithm>

namespace stream {

void OpenRows::add_past(std::vector<Row> rows) {
  first_ = rows.size();
  rows_.insert(rows_.begin(), rows.begin(), rows.end());
}

void OpenRows::drop(std::size_t count) {
  const std::size_t now = first_ + count;
  const std::size_t begin = std::max(begin_, now - std::min(now, design_.back));
  for (std::size_t i = begin_; i < begin; ++i) table_.erase(rows_[i]);
  if (design_.back > 0) {
    for (std::size_t i = std::max(first_, begin); i < now; ++i) table_.set_null(rows_[i], design_.open);
  }
  begin_ = begin;
  first_ = now;
  if (begin_ * 2 < rows_.size()) return;  // so that each row is moved once at most
  rows_.erase(rows_.begin(), rows_.begin() + static_cast<std::ptrdiff_t>(begin_));
  first_ -= begin_;
  begin_ = 0;
}

}  // namespace stream
