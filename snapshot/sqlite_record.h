// SqliteRecord: one row as SQLite has it in its files (https://www.sqlite.org/fileformat2.html, "Record Format").
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>

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
    types_.clear();
    body_.clear();
  }
  void null() { types_.push_back('\0'); }
  void integer(std::int64_t value) {
    if (value == 0 || value == 1) return types_.push_back(static_cast<char>(8 + value));
    const std::uint64_t magnitude = static_cast<std::uint64_t>(value < 0 ? ~value : value);
    const int bits = std::bit_width(magnitude) + 1;
    static constexpr std::uint8_t kTypes[] = {1, 1, 2, 3, 4, 5, 5, 6, 6};  // by bytes
    const std::uint8_t type = kTypes[(bits + 7) / 8];
    static constexpr std::uint8_t kSizes[] = {0, 1, 2, 3, 4, 6, 8};  // by type
    types_.push_back(static_cast<char>(type));
    number(static_cast<std::uint64_t>(value), kSizes[type]);
  }
  void real(double value) {
    types_.push_back('\7');
    number(std::bit_cast<std::uint64_t>(value), 8);
  }
  void text(std::string_view value) { bytes(value, 13); }
  void blob(std::string_view value) { bytes(value, 12); }

  std::size_t size() const { return header_size() + body_.size(); }
  // size() bytes.
  void write(std::uint8_t* out) const {
    out += put_varint(header_size(), out);
    types_.copy(reinterpret_cast<char*>(out), types_.size());
    body_.copy(reinterpret_cast<char*>(out) + types_.size(), body_.size());
  }

 private:
  // The size of the header counts itself.
  std::size_t header_size() const { return types_.size() + (types_.size() + 1 < 0x80 ? 1 : types_.size() + 2 < 0x4000 ? 2 : 3); }
  void number(std::uint64_t value, std::size_t size) {
    std::uint8_t encoded[8];
    put_big_endian(value, size, encoded);
    body_.append(reinterpret_cast<const char*>(encoded), size);
  }
  void bytes(std::string_view value, std::uint64_t type) {
    std::uint8_t encoded[kVarintMax];
    types_.append(reinterpret_cast<const char*>(encoded), put_varint(value.size() * 2 + type, encoded));
    body_ += value;
  }

  std::string types_;  // of the columns
  std::string body_;
};

}  // namespace stream
