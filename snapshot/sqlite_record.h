// SqliteRecord: one row as SQLite has it in its files (https://www.sqlite.org/fileformat2.html, "Record Format").
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "transport/record/buffer.h"

namespace stream {

inline constexpr std::size_t kVarintMax = 9;

// Returns how many bytes it took.
inline std::size_t put_varint(std::uint64_t value, std::uint8_t* out) {
  if (value < 0x80) {
    out[0] = static_cast<std::uint8_t>(value);
    return 1;
  }
  if ((value >> 56) != 0) {
    out[8] = static_cast<std::uint8_t>(value);
    value >>= 8;
    for (int i = 7; i >= 0; --i, value >>= 7) out[i] = static_cast<std::uint8_t>(value | 0x80);
    return kVarintMax;
  }
  const auto size = static_cast<std::size_t>((std::bit_width(value) + 6) / 7);
  for (std::size_t i = size; i-- > 0; value >>= 7) {
    out[i] = static_cast<std::uint8_t>((value & 0x7f) | (i + 1 == size ? 0 : 0x80));
  }
  return size;
}

inline void put_big_endian(std::uint64_t value, std::size_t size, std::uint8_t* out) {
  for (std::size_t i = size; i-- > 0; value >>= 8) out[i] = static_cast<std::uint8_t>(value);
}

class SqliteRecord {
 public:
  void clear() {
    types_.shrink(0);
    body_.shrink(0);
  }
  void null() { *types_.extend(1) = 0; }
  void integer(std::int64_t value) {
    if (value == 0 || value == 1) {
      *types_.extend(1) = static_cast<std::uint8_t>(8 + value);
      return;
    }
    static constexpr std::uint8_t kTypes[] = {1, 1, 2, 3, 4, 5, 5, 6, 6};  // by bytes
    static constexpr std::uint8_t kSizes[] = {0, 1, 2, 3, 4, 6, 8};        // by type
    const int bits = std::bit_width(static_cast<std::uint64_t>(value < 0 ? ~value : value)) + 1;
    const std::uint8_t type = kTypes[(bits + 7) / 8];
    *types_.extend(1) = type;
    number(static_cast<std::uint64_t>(value), kSizes[type]);
  }
  // In a column of REAL, where SQLite stores whole numbers as such, -0.0 too.
  void real(double value) {
    if (std::abs(value) < kWholeMax && std::trunc(value) == value) return integer(static_cast<std::int64_t>(value));
    *types_.extend(1) = 7;
    number(std::bit_cast<std::uint64_t>(value), 8);
  }
  void text(std::string_view value) { bytes(value, 13); }
  void blob(std::string_view value) { bytes(value, 12); }

  std::size_t size() const { return header_size() + body_.size(); }
  // size() bytes.
  void write(std::uint8_t* out) const {
    out += put_varint(header_size(), out);
    std::memcpy(out, types_.data(), types_.size());
    if (body_.size() != 0) std::memcpy(out + types_.size(), body_.data(), body_.size());
  }

 private:
  static constexpr double kWholeMax = 0x1p51;

  // The size of the header counts itself.
  std::size_t header_size() const {
    const std::size_t types = types_.size();
    return types + (types + 1 < 0x80 ? 1 : types + 2 < 0x4000 ? 2 : 3);
  }
  void number(std::uint64_t value, std::size_t size) {
    const std::uint64_t swapped = __builtin_bswap64(value << (64 - 8 * size));
    std::memcpy(body_.extend(sizeof swapped), &swapped, sizeof swapped);
    body_.shrink(body_.size() - sizeof swapped + size);
  }
  void bytes(std::string_view value, std::uint64_t type) {
    const std::size_t size = put_varint(value.size() * 2 + type, types_.extend(kVarintMax));
    types_.shrink(types_.size() - kVarintMax + size);
    body_.append(value.data(), value.size());
  }

  ByteBuilder types_;  // of the columns
  ByteBuilder body_;
};

}  // namespace stream
