#include "snapshot/workbench/live_module.h"

#include <sqlite3.h>

#include <algorithm>
#include <string_view>

#include "snapshot/given_text.h"
#include "snapshot/sql_value.h"
#include "snapshot/workbench/state_module.h"

namespace stream {
namespace {

// What SQLite owns; the first member of each must be SQLite's.
struct LiveTable {
  sqlite3_vtab base;
  const LiveState* state;
  const ViewedTable* table;
};
struct LiveCursor {
  sqlite3_vtab_cursor base;
  std::optional<Batch> row;
  std::string scratch;
};

LiveTable& table_of(sqlite3_vtab* table) { return *reinterpret_cast<LiveTable*>(table); }
LiveCursor& cursor_of(sqlite3_vtab_cursor* cursor) { return *reinterpret_cast<LiveCursor*>(cursor); }

int refuse(sqlite3_vtab* table, const std::string& why) {
  sqlite3_free(table->zErrMsg);
  table->zErrMsg = sqlite3_mprintf("%s", why.c_str());
  return SQLITE_ERROR;
}

int connect(sqlite3* db, void* data, int count, const char* const* args, sqlite3_vtab** out, char** error) {
  if (count != 4) return SQLITE_ERROR;
  const auto& state = *static_cast<const LiveState*>(data);
  auto table = std::make_unique<LiveTable>(LiveTable{{}, &state, &state.tables[std::stoul(args[3])]});
  const int code = sqlite3_declare_vtab(db, virtual_declaration(table->table->spec).c_str());
  if (code != SQLITE_OK) {
    *error = sqlite3_mprintf("%s", sqlite3_errmsg(db));
    return code;
  }
  *out = &table.release()->base;
  return SQLITE_OK;
}

int disconnect(sqlite3_vtab* table) {
  delete &table_of(table);
  return SQLITE_OK;
}

// Only with an equality on every key column there is a way.
int best_index(sqlite3_vtab* base, sqlite3_index_info* info) {
  const std::size_t wanted = table_of(base).table->spec.key.size();
  std::vector<int> by_column(wanted, -1);
  for (int i = 0; i < info->nConstraint; ++i) {
    const auto& given = info->aConstraint[i];
    const bool key = given.iColumn >= 0 && static_cast<std::size_t>(given.iColumn) < wanted;
    if (given.usable != 0 && given.op == SQLITE_INDEX_CONSTRAINT_EQ && key)
      by_column[static_cast<std::size_t>(given.iColumn)] = i;
  }
  if (std::ranges::find(by_column, -1) != by_column.end()) return SQLITE_CONSTRAINT;
  for (std::size_t i = 0; i < wanted; ++i) info->aConstraintUsage[by_column[i]].argvIndex = static_cast<int>(i) + 1;
  info->estimatedCost = 1;
  info->estimatedRows = 1;
  info->idxFlags = SQLITE_INDEX_SCAN_UNIQUE;
  return SQLITE_OK;
}

int open(sqlite3_vtab*, sqlite3_vtab_cursor** out) {
  *out = &(new LiveCursor())->base;
  return SQLITE_OK;
}

int close(sqlite3_vtab_cursor* open) {
  delete &cursor_of(open);
  return SQLITE_OK;
}

std::string_view text_of(sqlite3_value* value) {
  const auto* text = reinterpret_cast<const char*>(sqlite3_value_text(value));
  return text == nullptr ? std::string_view()
                         : std::string_view(text, static_cast<std::size_t>(sqlite3_value_bytes(value)));
}

// As savepoints hold values, or as people write them.
bool append_key(sqlite3_value* value, ColumnBuilder& column) {
  if (append_given(value, column)) return true;
  return sqlite3_value_type(value) != SQLITE_BLOB && append_text(text_of(value), column);
}

int filter(sqlite3_vtab_cursor* open, int, const char*, int count, sqlite3_value** values) {
  const LiveTable& table = table_of(open->pVtab);
  const TableSpec& spec = table.table->spec;
  cursor_of(open).row.reset();
  Batch key{nullptr, 1, {}, {}};
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
    if (sqlite3_value_type(values[i]) == SQLITE_NULL) return SQLITE_OK;  // equals nothing
    ColumnBuilder column(spec.field(i).type);
    if (!append_key(values[i], column))
      return refuse(open->pVtab, "'" + spec.field(i).name + "' is " + to_string(spec.field(i).type) +
                                     " and never equals '" + std::string(text_of(values[i])) + "'");
    key.columns.push_back(column.finish());
  }
  auto row = table.state->look_up(*table.table, key);
  if (!row.ok()) return refuse(open->pVtab, row.status().what());
  cursor_of(open).row = *std::move(row);
  return SQLITE_OK;
}

int next(sqlite3_vtab_cursor* open) {
  cursor_of(open).row.reset();
  return SQLITE_OK;
}
int over(sqlite3_vtab_cursor* open) { return cursor_of(open).row ? 0 : 1; }

int column(sqlite3_vtab_cursor* open, sqlite3_context* to, int number) {
  LiveCursor& cursor = cursor_of(open);
  const auto at = static_cast<std::size_t>(number);
  if (at < cursor.row->columns.size()) give_value(to, cursor.row->columns[at], 0, cursor.scratch);
  return SQLITE_OK;  // _key_group is of snapshots
}

int row_id(sqlite3_vtab_cursor*, sqlite3_int64* out) {
  *out = 0;
  return SQLITE_OK;
}

const sqlite3_module kModule = [] {
  sqlite3_module module{};
  module.iVersion = 1;
  module.xCreate = connect;
  module.xConnect = connect;
  module.xBestIndex = best_index;
  module.xDisconnect = disconnect;
  module.xDestroy = disconnect;
  module.xOpen = open;
  module.xClose = close;
  module.xFilter = filter;
  module.xNext = next;
  module.xEof = over;
  module.xColumn = column;
  module.xRowid = row_id;
  return module;
}();

}  // namespace

Status add_live_tables(sqlite3* db, const LiveState& state) {
  auto* data = const_cast<LiveState*>(&state);  // SQLite hands it back as it is
  return add_virtual_tables(db, "stream_live", kModule, data, state.tables);
}

}  // namespace stream
