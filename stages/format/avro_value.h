// Values in Avro's binary form: read, skipped, and told as JSON.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "stages/format/avro_schema.h"

namespace stream::format {

// What is left of a block or message. Readers return false where the bytes are no such value; then nothing
// behind them can be trusted either.
struct AvroInput {
  const char* at = nullptr;
  const char* end = nullptr;

  explicit AvroInput(std::string_view bytes) : at(bytes.data()), end(bytes.data() + bytes.size()) {}
  std::size_t left() const { return static_cast<std::size_t>(end - at); }

  // int and long: zigzag in groups of 7 bits.
  bool read_long(std::int64_t& value) {
    std::uint64_t sum = 0;
    for (unsigned shift = 0; shift < 64 && at != end; shift += 7) {
      const auto byte = static_cast<std::uint8_t>(*at++);
      sum |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) {
        value = static_cast<std::int64_t>((sum >> 1) ^ (0 - (sum & 1)));
        return shift < 63 || byte <= 1;
      }
    }
    return false;
  }

  bool read_raw(std::size_t size, std::string_view& bytes) {
    if (left() < size) return false;
    bytes = {at, size};
    at += size;
    return true;
  }

  // bytes and string.
  bool read_bytes(std::string_view& bytes) {
    std::int64_t size = 0;
    return read_long(size) && size >= 0 && read_raw(static_cast<std::size_t>(size), bytes);
  }

  template <class T>
  bool read_value(T& value) {
    if (left() < sizeof value) return false;
    std::memcpy(&value, at, sizeof value);
    at += sizeof value;
    return true;
  }

  bool read_boolean(bool& value) {
    if (at == end || static_cast<std::uint8_t>(*at) > 1) return false;
    value = *at++ != 0;
    return true;
  }

  // A branch of a union, or a symbol.
  bool read_index(std::size_t count, std::size_t& index) {
    std::int64_t number = 0;
    if (!read_long(number) || number < 0 || static_cast<std::uint64_t>(number) >= count) return false;
    index = static_cast<std::size_t>(number);
    return true;
  }
};

bool skip_avro(const AvroSchema& schema, std::uint32_t type, AvroInput& input, std::size_t depth = 0);

// Appends the value as JSON, in the words in which columns are printed: BLOB as base64, DECIMAL and times as text.
bool append_avro_json(const AvroSchema& schema, std::uint32_t type, AvroInput& input, std::string& out,
                      std::size_t depth = 0);

// Appends `{"key":` or, to an object begun before, `,"key":`.
void append_avro_key(std::string_view key, std::string& object);

// Two's complement, the highest byte first. False if it has more than 16 bytes that say something.
bool read_avro_decimal(std::string_view bytes, Decimal& value);

// The value in units of which a microsecond has `per_microsecond` or that has `microseconds` each. False: too large.
bool avro_instant(AvroLogical logical, std::int64_t value, std::int64_t& instant_us);
bool avro_interval(AvroLogical logical, std::int64_t value, Interval& interval);
Interval avro_duration(std::string_view bytes);  // 12 of them

}  // namespace stream::format
