// The tables of a StateView as virtual tables of an SQLite connection: read piece by piece as a query asks for
// rows, so that state of any size can be looked at. Values are those of savepoints, see stream-snapshot(5). The key
// group of a row is in the hidden column `_key_group`.
//
// A query that gives the columns that place a row (those that hash to its key group) reads that key group alone.
#pragma once

#include "snapshot/workbench/state_view.h"

struct sqlite3;

namespace stream {

// Makes every table of the view known under its name and long name; pending ones are left out. `view` outlives the
// connection.
Status add_state_tables(sqlite3* db, StateView& view);

}  // namespace stream
