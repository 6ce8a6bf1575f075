// What SQLite's columns hold, by the type they were declared with.
#pragma once

#include <string_view>

#include "transport/record/type.h"

namespace stream {

// By SQLite's own rules (INT in the name is an integer, CHAR, CLOB, TEXT a text, REAL, FLOA, DOUB a number), and
// BOOLEAN, DECIMAL(p,s), TIMESTAMP, DATETIME, DATE, JSON, INTERVAL as other databases have them, which SQLite
// stores as it is told. What it has nothing for is VARCHAR.
Type type_of_sqlite(std::string_view declared);

}  // namespace stream
