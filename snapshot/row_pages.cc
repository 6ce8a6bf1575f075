#include "snapshot/row_pages.h"

#include <algorithm>

#include "transport/base/check.h"

namespace stream {
namespace {

constexpr std::size_t kPageBytes = 64 << 10;
constexpr std::size_t kBlockPagesMax = 128;

std::uint32_t shift_for(std::size_t row_bytes) {
  return static_cast<std::uint32_t>(std::bit_width(std::max<std::size_t>(kPageBytes / row_bytes, 16)) - 1);
}

}  // namespace

RowPages::RowPages(std::size_t row_bytes)
    : row_bytes_(row_bytes), shift_(shift_for(row_bytes)), mask_((1U << shift_) - 1) {}

// Blocks grow with the table: a small one stays small, a large one gets huge pages.
void RowPages::grow() {
  const std::size_t page_bytes = row_bytes_ << shift_;
  const std::size_t count = std::clamp<std::size_t>(pages_.size(), 1, kBlockPagesMax);
  STREAM_CHECK(std::uint64_t{capacity_} + (count << shift_) < kNoRow);
  blocks_.emplace_back(count * page_bytes);
  for (std::size_t i = 0; i < count; ++i) pages_.push_back(blocks_.back().data() + i * page_bytes);
  capacity_ += static_cast<std::uint32_t>(count << shift_);
}

void RowPages::clear() {
  pages_.clear();
  blocks_.clear();
  free_.clear();
  end_ = capacity_ = 0;
}

std::size_t RowPages::size_bytes() const {
  return std::size_t{capacity_} * row_bytes_ + free_.capacity() * sizeof(std::uint32_t);
}

}  // namespace stream
