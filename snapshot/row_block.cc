#include "snapshot/row_block.h"

namespace stream {
namespace {

constexpr std::size_t kAhead = 16;  // rows whose cache misses are under way

}  // namespace

RowBlock::RowBlock(const RowLayout& layout, const RowPack& pack, std::size_t begin, std::size_t count)
    : layout_(layout),
      rows_(pack.rows_.data() + begin * pack.row_bytes_),
      heap_(pack.heap_.data()),
      row_bytes_(pack.row_bytes_),
      count_(count) {
  note_nulls();
}

RowBlock::RowBlock(const RowLayout& layout, const RowPack& pack, std::span<const std::uint32_t> positions)
    : layout_(layout), heap_(pack.heap_.data()), row_bytes_(pack.row_bytes_), count_(positions.size()) {
  std::uint8_t* out = copies_.extend(count_ * row_bytes_);
  rows_ = out;
  const std::uint8_t* from = pack.rows_.data();
  for (std::size_t i = 0; i < count_; ++i) {
    if (i + kAhead < count_) __builtin_prefetch(from + positions[i + kAhead] * row_bytes_);
    std::memcpy(out + i * row_bytes_, from + positions[i] * row_bytes_, row_bytes_);
  }
  note_nulls();
}

// What lies before the values is the table's, which goes on working.
RowBlock::RowBlock(const RowLayout& layout, std::span<const Row> rows, std::size_t row_bytes)
    : layout_(layout), heap_(nullptr), row_bytes_(row_bytes), count_(rows.size()) {
  std::uint8_t* out = copies_.extend(count_ * row_bytes_);
  rows_ = out;
  for (std::size_t i = 0; i < count_; ++i) {
    if (i + kAhead < count_) __builtin_prefetch(rows[i + kAhead].at);
    std::memset(out + i * row_bytes_, 0, kNulls);
    std::memcpy(out + i * row_bytes_ + kNulls, rows[i].at + kNulls, row_bytes_ - kNulls);
  }
  note_nulls();
}

void RowBlock::note_nulls() {
  flags_.assign((layout_.columns() + 7) / 8, 0);
  for (std::size_t byte = 0; byte < flags_.size(); ++byte) {
    std::uint8_t all = 0;
    for (std::size_t i = 0; i < count_; ++i) all |= rows_[i * row_bytes_ + kNulls + byte];
    flags_[byte] = all;
  }
}

Buffer RowBlock::validity(std::size_t column) const {
  if (((flags_[column >> 3] >> (column & 7)) & 1) == 0) return {};
  ByteBuilder bits;
  const std::size_t size = (count_ + 7) / 8;
  std::memset(bits.extend(size), 0, size);
  for (std::size_t i = 0; i < count_; ++i) {
    if (!layout_.is_null(row(i), column)) bits.data()[i >> 3] |= static_cast<std::uint8_t>(1U << (i & 7));
  }
  return bits.finish();
}

template <class T>
Column RowBlock::fixed(std::size_t column) const {
  const std::size_t step = row_bytes_;
  const std::uint8_t* from = rows_ + layout_.offset(column);
  ByteBuilder values;
  std::uint8_t* out = values.extend(count_ * sizeof(T));
  for (std::size_t i = 0; i < count_; ++i) std::memcpy(out + i * sizeof(T), from + i * step, sizeof(T));
  return {layout_.type(column), count_, validity(column), values.finish()};
}

Column RowBlock::variable(std::size_t column) const {
  ByteBuilder values;
  ByteBuilder offsets((count_ + 1) * sizeof(std::int32_t));
  offsets.append_value(std::int32_t{0});
  for (std::size_t i = 0; i < count_; ++i) {
    if (heap_ == nullptr && i + kAhead < count_) prefetch(layout_.string(row(i + kAhead), column));
    const StringRef* ref = layout_.string(row(i), column);
    values.append(ref->is_inline() ? ref->body : long_bytes(ref), ref->length);
    offsets.append_value(static_cast<std::int32_t>(values.size()));
  }
  return {layout_.type(column), count_, validity(column), values.finish(), offsets.finish()};
}

Column RowBlock::column(std::size_t column) const {
  struct Sixteen {
    std::uint64_t words[2];
  };
  switch (layout_.type(column).width()) {
    case 0: return variable(column);
    case 1: return fixed<std::uint8_t>(column);
    case 4: return fixed<std::uint32_t>(column);
    case 8: return fixed<std::uint64_t>(column);
    default: return fixed<Sixteen>(column);
  }
}

}  // namespace stream
