// The types of columns, under their SQL names, and their layout in memory.
//
//   BOOLEAN       1 byte, 0 or 1 (not Arrow's bitmap: three-valued logic then needs no shifts)
//   BIGINT        int64
//   DOUBLE        double
//   DECIMAL(p,s)  __int128, the value times 10^s; 1 <= p <= 38, 0 <= s <= p
//   VARCHAR       int32 offsets + UTF-8 bytes
//   TIMESTAMP     int64 microseconds since the epoch, UTC: an instant, as PostgreSQL's timestamptz
//   DATE          int32 days since the epoch
//   INTERVAL      Interval: months, days, microseconds, each signed, as PostgreSQL's
//   BLOB          int32 offsets + bytes
//   JSON          int32 offsets + JSON text
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "transport/base/status.h"

namespace stream {

enum class TypeKind : std::uint8_t {
  kBoolean,
  kBigint,
  kDouble,
  kDecimal,
  kVarchar,
  kTimestamp,
  kDate,
  kInterval,
  kBlob,
  kJson,
};

using Decimal = __int128;

struct Interval {
  std::int32_t months = 0;
  std::int32_t days = 0;
  std::int64_t microseconds = 0;
  friend bool operator==(const Interval&, const Interval&) = default;
};

struct Type {
  TypeKind kind = TypeKind::kBigint;
  std::uint8_t precision = 0;  // DECIMAL only, else 0
  std::uint8_t scale = 0;      // DECIMAL only, else 0

  friend bool operator==(const Type&, const Type&) = default;

  // Bytes of one value in the values buffer; 0 for the variable-width types.
  constexpr std::size_t width() const {
    switch (kind) {
      case TypeKind::kBoolean: return 1;
      case TypeKind::kDate: return 4;
      case TypeKind::kBigint:
      case TypeKind::kDouble:
      case TypeKind::kTimestamp: return 8;
      case TypeKind::kDecimal:
      case TypeKind::kInterval: return 16;
      case TypeKind::kVarchar:
      case TypeKind::kBlob:
      case TypeKind::kJson: return 0;
    }
    return 0;
  }
  constexpr bool variable() const { return width() == 0; }
};

inline constexpr Type kBoolean{TypeKind::kBoolean};
inline constexpr Type kBigint{TypeKind::kBigint};
inline constexpr Type kDouble{TypeKind::kDouble};
inline constexpr Type kVarchar{TypeKind::kVarchar};
inline constexpr Type kTimestamp{TypeKind::kTimestamp};
inline constexpr Type kDate{TypeKind::kDate};
inline constexpr Type kInterval{TypeKind::kInterval};
inline constexpr Type kBlob{TypeKind::kBlob};
inline constexpr Type kJson{TypeKind::kJson};
constexpr Type decimal_type(std::uint8_t precision, std::uint8_t scale) {
  return {TypeKind::kDecimal, precision, scale};
}

// "BIGINT", "DECIMAL(10,2)", …
std::string to_string(Type type);

// Reads a type name, any case, with SQL's usual synonyms (int, text, timestamptz, numeric, …).
// Errors: kUsage, naming the nearest type.
Result<Type> parse_type(std::string_view text);

}  // namespace stream
