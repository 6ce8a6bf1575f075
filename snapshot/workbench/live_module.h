// State tables of a job that runs as virtual tables of an SQLite connection: every access gives the whole key of a row,
// and is answered by whoever has it. A query that would need more than that cannot be prepared.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "snapshot/workbench/state_view.h"

struct sqlite3;

namespace stream {

struct LiveState {
  std::vector<ViewedTable> tables;  // of StateView's kind; keyed, split and broadcast ones can be asked
  // The row of the table with this key; nothing if there is none.
  std::function<Result<std::optional<Batch>>(const ViewedTable& table, const Batch& key)> look_up;
};

// Makes every table known under its name and long name. `state` outlives the connection.
Status add_live_tables(sqlite3* db, const LiveState& state);

}  // namespace stream
