// Values as people write them, for columns of state: 12.5 in a DECIMAL(10,2), 2024-01-31 12:00 in a TIMESTAMP.
#pragma once

#include <string_view>

#include "transport/record/column.h"

namespace stream {

// Appends the value; false, and nothing, if the text is none of the column's type. A superset of what savepoints hold
// and `stream state export` prints; nothing is rounded or cut.
bool append_text(std::string_view text, ColumnBuilder& out);

}  // namespace stream
