// OneRow: a one-row batch over values that lie elsewhere, for looking up and hashing single keys.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "snapshot/row_layout.h"
#include "transport/base/check.h"
#include "transport/record/batch.h"

namespace stream {

class OneRow {
 public:
  explicit OneRow(std::size_t columns) : offsets_(columns), cells_(columns) {
    batch_.rows = 1;
    batch_.columns.reserve(columns);
  }
  OneRow(const OneRow&) = delete;
  OneRow& operator=(const OneRow&) = delete;

  void add_null(Type type) { add(type, true, zeros(), 0); }
  void add_bytes(Type type, std::string_view bytes) { add(type, false, bytes.data(), bytes.size()); }
  // `value` must live as long as this.
  void add_fixed(Type type, const void* value) { add(type, false, value, type.width()); }
  void add_cell(Type type, const Cell& cell) {
    if (std::holds_alternative<std::monostate>(cell)) return add_null(type);
    if (const auto* bytes = std::get_if<std::string_view>(&cell)) {
      STREAM_CHECK(type.variable());
      return add_bytes(type, *bytes);
    }
    Cell& kept = cells_[batch_.columns.size()];
    kept = cell;
    std::visit(
        [&](auto& value) {
          if constexpr (!std::is_same_v<std::decay_t<decltype(value)>, std::monostate>) {
            STREAM_CHECK(sizeof value == type.width());
            add_fixed(type, &value);
          }
        },
        kept);
  }
  void add_row(const RowLayout& layout, Row row, std::size_t column) {
    const Type type = layout.type(column);
    if (layout.is_null(row, column)) return add_null(type);
    if (type.variable()) return add_bytes(type, layout.bytes(row, column));
    add_fixed(type, row.at + layout.offset(column));
  }

  const Batch& batch() const { return batch_; }

 private:
  static const void* zeros() {
    alignas(16) static constexpr std::uint8_t kZeros[16] = {};
    return kZeros;
  }
  void add(Type type, bool null, const void* data, std::size_t size) {
    const auto* bytes = static_cast<const std::uint8_t*>(data);
    const Buffer validity = null ? Buffer(nullptr, static_cast<const std::uint8_t*>(zeros()), 1) : Buffer();
    Buffer offsets;
    if (type.variable()) {
      auto& at = offsets_[batch_.columns.size()];
      at = {0, static_cast<std::int32_t>(size)};
      offsets = Buffer(nullptr, reinterpret_cast<const std::uint8_t*>(at.data()), sizeof at);
    }
    batch_.columns.emplace_back(type, 1, validity, Buffer(nullptr, bytes, size), offsets);
  }

  Batch batch_;
  std::vector<std::array<std::int32_t, 2>> offsets_;
  std::vector<Cell> cells_;
};

}  // namespace stream
