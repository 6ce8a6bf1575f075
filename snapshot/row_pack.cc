#include "snapshot/row_pack.h"

namespace stream {

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
    heap_.append(bytes.data(), bytes.size());
  }
}

}  // namespace stream
