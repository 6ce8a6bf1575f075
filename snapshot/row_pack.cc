#include "snapshot/row_pack.h"

#include <algorithm>

namespace stream {

void PackedBytes::grow(std::size_t at_least) {
  const std::size_t capacity = std::max<std::size_t>({at_least, capacity_ * 2, 64});
  StateBytes fresh = state_bytes(capacity, true);
  if (size_ != 0) std::memcpy(fresh.get(), bytes_.get(), size_);
  bytes_ = std::move(fresh);
  capacity_ = capacity;
}

void RowPack::reserve(const RowLayout& layout, std::size_t rows, bool keys_only) {
  rows_.reserve(rows_.size() + rows * (keys_only ? layout.key_bytes() : layout.value_bytes()));
}

void RowPack::append(const RowLayout& layout, Row row, bool keys_only) {
  row_bytes_ = keys_only ? layout.key_bytes() : layout.value_bytes();
  const Row copy{rows_.extend(row_bytes_)};
  std::memcpy(copy.at, row.at, row_bytes_);
  ++count_;
  for (const std::uint32_t column : layout.variable_columns()) {
    if (keys_only && column >= layout.key_columns()) break;
    StringRef* ref = layout.string(copy, column);
    if (ref->is_inline()) continue;
    const std::string_view bytes = layout.bytes(row, column);
    ref->set_word(heap_.size());
    std::memcpy(heap_.extend(bytes.size()), bytes.data(), bytes.size());
  }
}

}  // namespace stream
