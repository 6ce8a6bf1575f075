// RowPrinter: the rows of a query as aligned columns, NDJSON or CSV, on standard output.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "snapshot/workbench/state_query.h"

namespace stream {

enum class RowForm : std::uint8_t { kTable, kLines, kCsv, kLists };

// Prints all rows, or the first, in memory that does not grow with them. Columns of a table are as wide as its first
// rows need. Errors: those of the query, kSystem if nobody reads on.
Status print_rows(StateQuery& query, RowForm form, std::uint64_t most = UINT64_MAX);

// [{"name", "type"}]: what a row of kLists has. The type is that of a state column, "" of what is computed.
std::string columns_of(const StateQuery& query);

// The value of a column as it stands in JSON, and in a cell of a table or of CSV before it is quoted.
std::string json_of(const StateQuery& query, std::size_t column);
std::string text_of(const StateQuery& query, std::size_t column);

// Without control characters, which would move a terminal's cursor.
std::string visible(std::string text);

}  // namespace stream
