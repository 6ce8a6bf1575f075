// Row: a handle to one row of a StateTable. Cell: one value outside of a table.
#pragma once

#include <cstdint>
#include <string_view>
#include <variant>

#include "transport/record/type.h"

namespace stream {

// Stays valid, and at the same address, until the row is erased or the table is destroyed.
struct Row {
  std::uint8_t* at = nullptr;  // null = no row

  explicit operator bool() const { return at != nullptr; }
  friend bool operator==(Row, Row) = default;
};

// A value of a column in the type's own C++ type (transport/record/type.h); BOOLEAN is uint8_t;
// std::monostate is NULL. A string_view is only as alive as what it was taken from.
using Cell =
    std::variant<std::monostate, std::uint8_t, std::int32_t, std::int64_t, double, Decimal, Interval, std::string_view>;

}  // namespace stream
