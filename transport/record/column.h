// Column: immutable values of one type in Arrow's physical layout.
//
//   validity  bitmap, bit i of byte i/8 set = row i is not NULL; empty = no NULL at all
//   values    size() values of type().width() bytes, or the bytes of a variable-width column
//   offsets   variable width only: size() + 1 int32, ascending, from 0
//
// The value bytes of a NULL row are defined (zero, or the empty string) but mean nothing.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "transport/base/check.h"
#include "transport/record/buffer.h"
#include "transport/record/type.h"

namespace stream {

class Column {
 public:
  Column() = default;
  Column(Type type, std::size_t size, Buffer validity, Buffer values, Buffer offsets = {})
      : type_(type),
        size_(size),
        validity_(std::move(validity)),
        values_(std::move(values)),
        offsets_(std::move(offsets)) {}

  Type type() const { return type_; }
  std::size_t size() const { return size_; }

  bool has_nulls() const { return !validity_.empty(); }
  bool valid(std::size_t row) const {
    return validity_.empty() || ((validity_.data()[row >> 3] >> (row & 7)) & 1) != 0;
  }

  // Fixed width only; T must have the type's width.
  template <class T>
  const T* values() const {
    return values_.as<T>();
  }
  template <class T>
  T value(std::size_t row) const {
    return values_.as<T>()[row];
  }

  // Variable width only.
  std::string_view bytes(std::size_t row) const {
    const std::int32_t* at = offsets_.as<std::int32_t>() + row;
    return {values_.as<char>() + at[0], static_cast<std::size_t>(at[1] - at[0])};
  }
  const std::int32_t* offsets() const { return offsets_.as<std::int32_t>(); }

  const Buffer& validity_buffer() const { return validity_; }
  const Buffer& values_buffer() const { return values_; }
  const Buffer& offsets_buffer() const { return offsets_; }

  // Bytes the column holds on to; what memory accounting counts.
  std::size_t size_bytes() const { return validity_.size() + values_.size() + offsets_.size(); }

  // The rows at the given positions, in that order.
  Column take(std::span<const std::uint32_t> rows) const;

  // The same bytes under another type of the same physical layout (VARCHAR, BLOB and JSON; BIGINT
  // and TIMESTAMP). Layouts that differ are a programmer's mistake.
  Column retyped(Type type) const;

 private:
  Type type_;
  std::size_t size_ = 0;
  Buffer validity_;
  Buffer values_;
  Buffer offsets_;
};

// Builds one column row by row. append<T>() needs the type's own C++ type.
class ColumnBuilder {
 public:
  explicit ColumnBuilder(Type type, std::size_t expected_rows = 0);

  Type type() const { return type_; }
  std::size_t size() const { return size_; }
  std::size_t size_bytes() const { return values_.size() + offsets_.size() + size_ / 8; }

  void append_null();

  template <class T>
  void append(T value) {
    STREAM_CHECK(sizeof(T) == type_.width());
    values_.append_value(value);
    mark_valid();
  }

  void append_bytes(std::string_view bytes) {
    values_.append(bytes.data(), bytes.size());
    offsets_.append_value(static_cast<std::int32_t>(values_.size()));
    mark_valid();
  }

  // Appends row `row` of `from`, which has the same type.
  void append_from(const Column& from, std::size_t row);

  // Appends the rows at these positions of `from`, or all of its rows.
  void append_rows(const Column& from, std::span<const std::uint32_t> rows);
  void append_all(const Column& from);

  // Drops every row behind the first `size`, as when a record turns out bad half way through.
  void truncate(std::size_t size);

  // Hands the column over and leaves the builder empty, ready for the next one.
  Column finish();

 private:
  void mark_valid() {
    if (has_nulls_) set_validity(true);
    ++size_;
  }
  void set_validity(bool valid);
  void start_validity();
  void extend_validity(const Column& from, std::size_t count, const std::uint32_t* rows);

  Type type_;
  std::size_t size_ = 0;
  bool has_nulls_ = false;
  ByteBuilder validity_;  // filled from the first NULL on
  ByteBuilder values_;
  ByteBuilder offsets_;
};

// A column of `rows` equal values: all NULL, or all of one builder-made single-row column.
Column null_column(Type type, std::size_t rows);
Column zero_column(Type type, std::size_t rows);  // of a type of fixed width
Column repeat_column(const Column& one_row, std::size_t rows);

}  // namespace stream
