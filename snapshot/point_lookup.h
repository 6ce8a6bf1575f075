// Point lookups in live state: one row of a state table by its whole key, as texts on the way.
//
//   {"stage": "totals", "table": "totals", "key": ["h7"]}       what is asked
//   ["h7", "30", "1505"]                                        the row: every column, in the order of the spec
//
// Values are texts as append_text() reads them; null is NULL.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "snapshot/state_table.h"
#include "transport/base/status.h"

namespace stream {

inline constexpr std::size_t kLookupBytesMax = 128 * 1024;  // of a row on its way: what a socket takes at once

nlohmann::json texts_of_row(const Batch& rows, std::size_t row);

// One row, of the first `columns` columns of the spec. Errors: kUsage, naming the column.
Result<Batch> row_of_texts(const TableSpec& spec, const nlohmann::json& texts, std::size_t columns);

// The row with this key as text of JSON; "null" if there is none. Changes nothing. Errors: kUsage for a key that is
// none of this table, or a row that is too large.
Result<std::string> look_up(const StateTable& table, const nlohmann::json& key);

}  // namespace stream
