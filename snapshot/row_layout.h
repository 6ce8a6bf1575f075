// RowLayout: where the columns of a row lie.
//
//   0   u32   generation in which the row last changed
//   4   u8    bit 0: live; bit 1: was in a capture
//   5   u8[]  bit c: column c is NULL
//   …         columns in order, keys first, each 8-aligned, DECIMAL 16-aligned; BOOLEANs in a row next to each other
//   …         links of the prefix list, then of the time list, if the spec has these paths
//
// A variable-width value is a 16-byte StringRef: short ones inline, long ones in the StringHeap.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "snapshot/row.h"
#include "snapshot/table_spec.h"

namespace stream {

inline constexpr std::uint32_t kNoRow = UINT32_MAX;
inline constexpr std::size_t kInlineBytes = 12;

struct StringRef {
  std::uint32_t length = 0;
  // Up to kInlineBytes bytes, or 4 bytes unused and then the address (in a RowPack: the offset) of
  // the bytes. What is not used is zero, so equal short values are equal words.
  std::uint8_t body[kInlineBytes] = {};

  bool is_inline() const { return length <= kInlineBytes; }
  std::uint64_t word() const {
    std::uint64_t w;
    std::memcpy(&w, body + 4, 8);
    return w;
  }
  void set_word(std::uint64_t w) { std::memcpy(body + 4, &w, 8); }
};
static_assert(sizeof(StringRef) == 16);

// Where the bits that say NULL begin in a row: all before it is of the table, all from it on is of the value.
inline constexpr std::size_t kNulls = 5;

// A doubly linked list through rows, by row id.
struct RowLinks {
  std::uint32_t previous;
  std::uint32_t next;
};
// The list of the rows of one prefix, and what finds it and the row again without a look at the key.
struct PrefixLinks : RowLinks {
  std::uint32_t tag;  // of the prefix in its SlotMap
  std::uint32_t id;   // of the row
};

class RowLayout {
 public:
  explicit RowLayout(const TableSpec& spec);

  std::size_t columns() const { return offsets_.size(); }
  std::size_t key_columns() const { return key_columns_; }
  std::size_t row_bytes() const { return row_bytes_; }      // with links
  std::size_t value_bytes() const { return value_bytes_; }  // without links: what is captured
  std::size_t key_bytes() const { return key_bytes_; }      // header and key columns
  std::size_t offset(std::size_t column) const { return offsets_[column]; }
  Type type(std::size_t column) const { return types_[column]; }
  const std::vector<std::uint32_t>& variable_columns() const { return variable_; }

  static std::uint32_t& generation(Row row) { return *reinterpret_cast<std::uint32_t*>(row.at); }
  static bool live(Row row) { return (row.at[4] & 1) != 0; }
  static bool captured(Row row) { return (row.at[4] & 2) != 0; }
  static void set_live(Row row, bool live) { row.at[4] = static_cast<std::uint8_t>((row.at[4] & ~1) | (live ? 1 : 0)); }
  static void set_captured(Row row) { row.at[4] |= 2; }

  static bool first_is_null(Row row) { return (row.at[kNulls] & 1) != 0; }  // column 0
  bool is_null(Row row, std::size_t column) const {
    return ((row.at[kNulls + (column >> 3)] >> (column & 7)) & 1) != 0;
  }
  void set_null(Row row, std::size_t column, bool null) const {
    const auto mask = static_cast<std::uint8_t>(1U << (column & 7));
    std::uint8_t& byte = row.at[kNulls + (column >> 3)];
    byte = static_cast<std::uint8_t>(null ? byte | mask : byte & ~mask);
  }

  StringRef* string(Row row, std::size_t column) const {
    return reinterpret_cast<StringRef*>(row.at + offsets_[column]);
  }
  std::string_view bytes(Row row, std::size_t column) const {
    const StringRef* ref = string(row, column);
    const char* at =
        ref->is_inline() ? reinterpret_cast<const char*>(ref->body) : reinterpret_cast<const char*>(ref->word());
    return {at, ref->length};
  }

  PrefixLinks* prefix_links(Row row) const { return reinterpret_cast<PrefixLinks*>(row.at + prefix_links_); }
  RowLinks* time_links(Row row) const { return reinterpret_cast<RowLinks*>(row.at + time_links_); }

 private:
  std::vector<std::uint32_t> offsets_;
  std::vector<Type> types_;
  std::vector<std::uint32_t> variable_;
  std::size_t key_columns_;
  std::size_t key_bytes_ = 0;
  std::size_t value_bytes_ = 0;
  std::size_t row_bytes_ = 0;
  std::size_t prefix_links_ = 0;
  std::size_t time_links_ = 0;
};

}  // namespace stream
