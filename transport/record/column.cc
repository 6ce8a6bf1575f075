#include "transport/record/column.h"

namespace stream {
namespace {

Buffer take_validity(const Column& column, std::span<const std::uint32_t> rows) {
  if (!column.has_nulls() || rows.empty()) return {};
  const std::uint8_t* from = column.validity_buffer().data();
  ByteBuilder to;
  const std::size_t count = (rows.size() + 7) / 8;
  std::uint8_t* bits = to.extend(count);
  std::memset(bits, 0, count);
  std::size_t set = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::uint8_t bit = (from[rows[i] >> 3] >> (rows[i] & 7)) & 1;
    bits[i >> 3] |= static_cast<std::uint8_t>(bit << (i & 7));
    set += bit;
  }
  return set == rows.size() ? Buffer() : to.finish();
}

struct Sixteen {
  std::uint64_t words[2];
};

template <class T>
Buffer take_fixed(const Column& column, std::span<const std::uint32_t> rows) {
  const T* from = column.values<T>();
  ByteBuilder to;
  auto* out = reinterpret_cast<T*>(to.extend(rows.size() * sizeof(T)));
  for (std::size_t i = 0; i < rows.size(); ++i) out[i] = from[rows[i]];
  return to.finish();
}

Column take_variable(const Column& column, std::span<const std::uint32_t> rows) {
  const std::int32_t* at = column.offsets();
  const std::uint8_t* from = column.values_buffer().data();
  ByteBuilder offsets;
  auto* out = reinterpret_cast<std::int32_t*>(offsets.extend((rows.size() + 1) * sizeof(std::int32_t)));
  std::int64_t total = 0;
  out[0] = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    total += at[rows[i] + 1] - at[rows[i]];
    out[i + 1] = static_cast<std::int32_t>(total);
  }
  STREAM_CHECK(total <= INT32_MAX);
  ByteBuilder values;
  std::uint8_t* bytes = values.extend(static_cast<std::size_t>(total));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto length = static_cast<std::size_t>(out[i + 1] - out[i]);
    if (length != 0) std::memcpy(bytes + out[i], from + at[rows[i]], length);
  }
  return {column.type(), rows.size(), take_validity(column, rows), values.finish(), offsets.finish()};
}

Buffer take_values(const Column& column, std::span<const std::uint32_t> rows) {
  switch (column.type().width()) {
    case 1: return take_fixed<std::uint8_t>(column, rows);
    case 4: return take_fixed<std::uint32_t>(column, rows);
    case 8: return take_fixed<std::uint64_t>(column, rows);
    default: return take_fixed<Sixteen>(column, rows);
  }
}

}  // namespace

Column Column::take(std::span<const std::uint32_t> rows) const {
  if (type_.variable()) return take_variable(*this, rows);
  return {type_, rows.size(), take_validity(*this, rows), take_values(*this, rows)};
}

Column Column::retyped(Type type) const {
  STREAM_CHECK(type.width() == type_.width());
  Column copy = *this;
  copy.type_ = type;
  return copy;
}

ColumnBuilder::ColumnBuilder(Type type, std::size_t expected_rows) : type_(type) {
  if (type.variable()) {
    offsets_.reserve((expected_rows + 1) * sizeof(std::int32_t));
    offsets_.append_value(std::int32_t{0});
  } else {
    values_.reserve(expected_rows * type.width());
  }
}

void ColumnBuilder::set_validity(bool valid) {
  if (size_ % 8 == 0) validity_.append_value(std::uint8_t{0});
  if (valid) validity_.data()[size_ / 8] |= static_cast<std::uint8_t>(1U << (size_ % 8));
}

// All rows so far are valid; from now on the bitmap is kept.
void ColumnBuilder::start_validity() {
  if (std::exchange(has_nulls_, true)) return;
  const std::size_t bytes = (size_ + 7) / 8;
  std::uint8_t* bits = validity_.extend(bytes);
  if (bytes != 0) std::memset(bits, 0xff, bytes);
  if (size_ % 8 != 0) bits[bytes - 1] = static_cast<std::uint8_t>((1U << (size_ % 8)) - 1);
}

// Adds the validity of `count` rows of `from`: those in `rows`, or the first ones if it is null.
// Call before size_ grows; afterwards size_ has grown by `count`.
void ColumnBuilder::extend_validity(const Column& from, std::size_t count, const std::uint32_t* rows) {
  if (from.has_nulls()) start_validity();
  if (!has_nulls_) {
    size_ += count;
    return;
  }
  for (std::size_t i = 0; i < count; ++i) {
    set_validity(from.valid(rows != nullptr ? rows[i] : i));
    ++size_;
  }
}

void ColumnBuilder::append_rows(const Column& from, std::span<const std::uint32_t> rows) {
  const std::size_t width = type_.width();
  if (width == 0) {
    for (const std::uint32_t row : rows) {
      const std::string_view bytes = from.bytes(row);
      values_.append(bytes.data(), bytes.size());
      offsets_.append_value(static_cast<std::int32_t>(values_.size()));
    }
  } else if (width == 8) {
    auto* out = reinterpret_cast<std::uint64_t*>(values_.extend(rows.size() * 8));
    const auto* in = from.values<std::uint64_t>();
    for (std::size_t i = 0; i < rows.size(); ++i) out[i] = in[rows[i]];
  } else {
    std::uint8_t* out = values_.extend(rows.size() * width);
    const std::uint8_t* in = from.values_buffer().data();
    for (std::size_t i = 0; i < rows.size(); ++i) std::memcpy(out + i * width, in + rows[i] * width, width);
  }
  extend_validity(from, rows.size(), rows.data());
}

void ColumnBuilder::append_all(const Column& from) {
  const std::size_t count = from.size();
  if (type_.variable()) {
    const auto base = static_cast<std::int32_t>(values_.size());
    STREAM_CHECK(count == 0 || values_.size() + static_cast<std::size_t>(from.offsets()[count]) <= INT32_MAX);
    auto* out = reinterpret_cast<std::int32_t*>(offsets_.extend(count * sizeof(std::int32_t)));
    for (std::size_t i = 0; i < count; ++i) out[i] = base + from.offsets()[i + 1];
    values_.append(from.values_buffer().data(), count == 0 ? 0 : static_cast<std::size_t>(from.offsets()[count]));
  } else {
    values_.append(from.values_buffer().data(), count * type_.width());
  }
  extend_validity(from, count, nullptr);
}

void ColumnBuilder::append_null() {
  start_validity();
  set_validity(false);
  if (type_.variable()) {
    offsets_.append_value(static_cast<std::int32_t>(values_.size()));
  } else {
    std::memset(values_.extend(type_.width()), 0, type_.width());
  }
  ++size_;
}

void ColumnBuilder::append_from(const Column& from, std::size_t row) {
  if (!from.valid(row)) return append_null();
  if (type_.variable()) return append_bytes(from.bytes(row));
  values_.append(from.values_buffer().data() + row * type_.width(), type_.width());
  mark_valid();
}

void ColumnBuilder::truncate(std::size_t size) {
  STREAM_CHECK(size <= size_);
  size_ = size;
  if (type_.variable()) {
    offsets_.shrink((size + 1) * sizeof(std::int32_t));
    std::int32_t end = 0;
    std::memcpy(&end, offsets_.data() + size * sizeof end, sizeof end);
    values_.shrink(static_cast<std::size_t>(end));
  } else {
    values_.shrink(size * type_.width());
  }
  if (!has_nulls_) return;
  validity_.shrink((size + 7) / 8);
  if (size % 8 != 0) validity_.data()[size / 8] &= static_cast<std::uint8_t>((1U << (size % 8)) - 1);
}

Column ColumnBuilder::finish() {
  STREAM_CHECK(!type_.variable() || values_.size() <= INT32_MAX);
  Column column(type_, size_, has_nulls_ ? validity_.finish() : Buffer(), values_.finish(),
                type_.variable() ? offsets_.finish() : Buffer());
  validity_.shrink(0);
  *this = ColumnBuilder(type_, size_);
  return column;
}

Column null_column(Type type, std::size_t rows) {
  ColumnBuilder builder(type, rows);
  for (std::size_t i = 0; i < rows; ++i) builder.append_null();
  return builder.finish();
}

Column zero_column(Type type, std::size_t rows) {
  STREAM_CHECK(!type.variable());
  ByteBuilder values;
  const std::size_t bytes = rows * type.width();
  if (bytes > 0) std::memset(values.extend(bytes), 0, bytes);
  return {type, rows, {}, values.finish()};
}

Column repeat_column(const Column& one_row, std::size_t rows) {
  ColumnBuilder builder(one_row.type(), rows);
  for (std::size_t i = 0; i < rows; ++i) builder.append_from(one_row, 0);
  return builder.finish();
}

}  // namespace stream
