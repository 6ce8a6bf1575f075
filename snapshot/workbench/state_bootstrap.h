// State for a pipeline that has none yet, from rows that a user gives.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "snapshot/workbench/given_rows.h"
#include "snapshot/workbench/state_draft.h"

namespace stream {

// Adds all rows to a table of the draft. Every column of the table must be given, and nothing else; only the key column
// `arrival` of tables that number their rows may be left out: rows are numbered as they come then. Returns how many.
// Errors: kUsage, naming the place of the row, kSystem.
Result<std::uint64_t> bootstrap(StateDraft& draft, std::size_t table, GivenRows& rows);

}  // namespace stream
