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

Buffer RowPack::validity(const RowLayout& layout, std::size_t column, std::span<const std::uint32_t> order) const {
  ByteBuilder bits;
  const std::size_t size = (order.size() + 7) / 8;
  std::memset(bits.extend(size), 0, size);
  std::size_t valid = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (layout.is_null(row(order[i]), column)) continue;
    bits.data()[i >> 3] |= static_cast<std::uint8_t>(1U << (i & 7));
    ++valid;
  }
  return valid == order.size() ? Buffer() : bits.finish();
}

template <class T>
Column RowPack::fixed(const RowLayout& layout, std::size_t column, std::span<const std::uint32_t> order) const {
  const std::size_t offset = layout.offset(column);
  ByteBuilder values;
  std::uint8_t* out = values.extend(order.size() * sizeof(T));
  for (std::size_t i = 0; i < order.size(); ++i) {
    std::memcpy(out + i * sizeof(T), row(order[i]).at + offset, sizeof(T));
  }
  return {layout.type(column), order.size(), validity(layout, column, order), values.finish()};
}

Column RowPack::variable(const RowLayout& layout, std::size_t column, std::span<const std::uint32_t> order) const {
  ByteBuilder values;
  ByteBuilder offsets((order.size() + 1) * sizeof(std::int32_t));
  offsets.append_value(std::int32_t{0});
  for (const std::uint32_t index : order) {
    const StringRef* ref = layout.string(row(index), column);
    values.append(ref->is_inline() ? ref->body : heap_.data() + ref->word(), ref->length);
    offsets.append_value(static_cast<std::int32_t>(values.size()));
  }
  return {layout.type(column), order.size(), validity(layout, column, order), values.finish(), offsets.finish()};
}

Column RowPack::column(const RowLayout& layout, std::size_t column, std::span<const std::uint32_t> order) const {
  struct Sixteen {
    std::uint64_t words[2];
  };
  switch (layout.type(column).width()) {
    case 0: return variable(layout, column, order);
    case 1: return fixed<std::uint8_t>(layout, column, order);
    case 4: return fixed<std::uint32_t>(layout, column, order);
    case 8: return fixed<std::uint64_t>(layout, column, order);
    default: return fixed<Sixteen>(layout, column, order);
  }
}

}  // namespace stream
