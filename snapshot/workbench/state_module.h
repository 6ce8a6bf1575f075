// The tables of a StateView as virtual tables of an SQLite connection: read piece by piece as a query asks for
// rows, so that state of any size can be looked at. Values are those of savepoints, see stream-snapshot(5). The key
// group of a row is in the hidden column `_key_group`.
//
// A query that gives the columns that place a row (those that hash to its key group) reads that key group alone.
#pragma once

#include "snapshot/workbench/state_view.h"

struct sqlite3;
struct sqlite3_module;

namespace stream {

// Makes every table of the view known under its name and long name; pending ones are left out. `view` outlives the
// connection.
Status add_state_tables(sqlite3* db, StateView& view);

// The same of tables that another module knows by their number in `tables`; pending ones are left out.
Status add_virtual_tables(sqlite3* db, const char* name, const sqlite3_module& module, void* data,
                          std::span<const ViewedTable> tables);
// As a query sees the columns: their own types first, then what decides how SQLite compares them.
std::string virtual_declaration(const TableSpec& spec);

}  // namespace stream
