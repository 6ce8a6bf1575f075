#include "snapshot/workbench/state_module.h"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <optional>

#include "snapshot/grouping.h"
#include "snapshot/sql_value.h"
#include "snapshot/table_slices.h"

namespace stream {
namespace {

constexpr std::uint64_t kPieceBytes = 16 << 20;
constexpr std::size_t kRowsAtATime = 1024;
constexpr int kOneGroup = 1;  // index number: the arguments are the values of the group columns
constexpr double kWholeCost = 1e6;
constexpr double kGroupCost = 1e3;

// What SQLite owns of a table; its first member must be SQLite's.
struct Table {
  sqlite3_vtab base;
  StateView* view;
  std::size_t number;
  TableSpec spec;
};

std::size_t group_columns(const TableSpec& spec) { return group_columns_of(spec).size(); }

void set_error(sqlite3_vtab* table, const Status& status) {
  sqlite3_free(table->zErrMsg);
  table->zErrMsg = sqlite3_mprintf("%s", status.what().c_str());
}

class Cursor {
 public:
  explicit Cursor(Table& table) : table_(table) {}

  Status start(std::vector<KeyGroupRange> pieces) {
    pieces_ = std::move(pieces);
    next_piece_ = 0;
    first_ = 0;
    loaded_.reset();
    batch_ = {};
    row_ = 0;
    return fill();
  }
  Status next() { return ++row_ < batch_.rows ? Status() : fill(); }
  bool over() const { return row_ >= batch_.rows; }
  std::int64_t row_id() const { return static_cast<std::int64_t>(first_ + row_); }

  void give(sqlite3_context* to, std::size_t column) {
    if (column == batch_.columns.size()) {
      if (hashes_.empty()) hashes_ = group_hashes(table_.spec, batch_);
      sqlite3_result_int64(to, key_group_of(hashes_[row_], table_.view->index().key_groups).value());
      return;
    }
    give_value(to, batch_.columns[column], row_, scratch_);
  }

 private:
  // The next rows, of the next piece that has some.
  Status fill() {
    first_ += batch_.rows;
    row_ = 0;
    hashes_.clear();
    std::array<Row, kRowsAtATime> rows;
    for (;;) {
      if (loaded_ != nullptr) {
        const std::size_t count = loaded_->scan(cursor_, rows);
        batch_ = count == 0 ? Batch() : all_columns(*loaded_, std::span(rows).first(count));
        if (count != 0) return {};
      }
      batch_ = {};
      loaded_.reset();
      if (next_piece_ == pieces_.size()) return {};
      loaded_ = std::make_unique<StateTable>(table_.spec, false);
      cursor_ = {};
      STREAM_TRY(table_.view->load(table_.number, pieces_[next_piece_++], *loaded_));
    }
  }

  Table& table_;
  std::vector<KeyGroupRange> pieces_;
  std::size_t next_piece_ = 0;
  std::unique_ptr<StateTable> loaded_;
  TableCursor cursor_;
  Batch batch_;
  std::vector<std::uint64_t> hashes_;  // of the batch, once asked for
  std::size_t first_ = 0;              // rows before the batch
  std::size_t row_ = 0;                // in the batch
  std::string scratch_;
};

struct OpenCursor {
  sqlite3_vtab_cursor base;
  Cursor cursor;
};

Table& table_of(sqlite3_vtab* table) { return *reinterpret_cast<Table*>(table); }
Cursor& cursor_of(sqlite3_vtab_cursor* open) { return reinterpret_cast<OpenCursor*>(open)->cursor; }

int result_of(sqlite3_vtab* table, const Status& status) {
  if (status.ok()) return SQLITE_OK;
  set_error(table, status);
  return status.code() == Code::kCorrupt ? SQLITE_CORRUPT : SQLITE_ERROR;
}

int connect(sqlite3* db, void* view, int count, const char* const* args, sqlite3_vtab** out, char** error) {
  if (count != 4) return SQLITE_ERROR;
  auto table = std::make_unique<Table>(Table{{}, static_cast<StateView*>(view), std::stoul(args[3]), {}});
  table->spec = table->view->plain_spec(table->number);
  const int code = sqlite3_declare_vtab(db, virtual_declaration(table->spec).c_str());
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

// One key group, if all columns that place a row are given; else all.
int best_index(sqlite3_vtab* base, sqlite3_index_info* info) {
  const std::size_t wanted = group_columns(table_of(base).spec);
  std::vector<int> by_column(wanted, -1);
  for (int i = 0; i < info->nConstraint; ++i) {
    const auto& given = info->aConstraint[i];
    const bool placing = given.iColumn >= 0 && static_cast<std::size_t>(given.iColumn) < wanted;
    if (given.usable != 0 && given.op == SQLITE_INDEX_CONSTRAINT_EQ && placing) {
      by_column[static_cast<std::size_t>(given.iColumn)] = i;
    }
  }
  const bool one = std::ranges::find(by_column, -1) == by_column.end();
  info->idxNum = one ? kOneGroup : 0;
  info->estimatedCost = one ? kGroupCost : kWholeCost;
  info->estimatedRows = one ? 1 : static_cast<sqlite3_int64>(kWholeCost);
  for (std::size_t i = 0; one && i < wanted; ++i)
    info->aConstraintUsage[by_column[i]].argvIndex = static_cast<int>(i) + 1;
  return SQLITE_OK;
}

// The key as a batch of one row; nothing if a value is of another kind than the column's, when SQLite's own rules of
// comparison decide.
std::optional<Batch> key_of(const TableSpec& spec, std::span<sqlite3_value*> values) {
  Batch key{nullptr, 1, {}, {}};
  for (std::size_t i = 0; i < values.size(); ++i) {
    ColumnBuilder column(spec.field(i).type);
    if (!append_given(values[i], column)) return std::nullopt;
    key.columns.push_back(column.finish());
  }
  return key;
}

Result<std::vector<KeyGroupRange>> pieces_for(const Table& table, int how, std::span<sqlite3_value*> values) {
  if (how == kOneGroup) {
    if (const auto key = key_of(table.spec, values)) {
      const std::uint64_t hash = group_hashes(table.spec, *key)[0];
      const std::uint32_t group = key_group_of(hash, table.view->index().key_groups).value();
      return std::vector{KeyGroupRange{group, group + 1}};
    }
  }
  return table.view->cut(table.number, kPieceBytes);
}

int open(sqlite3_vtab* table, sqlite3_vtab_cursor** out) {
  *out = &(new OpenCursor{{}, Cursor(table_of(table))})->base;
  return SQLITE_OK;
}

int close(sqlite3_vtab_cursor* open) {
  delete reinterpret_cast<OpenCursor*>(open);
  return SQLITE_OK;
}

int filter(sqlite3_vtab_cursor* open, int how, const char*, int count, sqlite3_value** values) {
  auto pieces = pieces_for(table_of(open->pVtab), how, {values, static_cast<std::size_t>(count)});
  if (!pieces.ok()) return result_of(open->pVtab, pieces.status());
  return result_of(open->pVtab, cursor_of(open).start(*std::move(pieces)));
}

int next(sqlite3_vtab_cursor* open) { return result_of(open->pVtab, cursor_of(open).next()); }
int over(sqlite3_vtab_cursor* open) { return cursor_of(open).over() ? 1 : 0; }

int column(sqlite3_vtab_cursor* open, sqlite3_context* to, int number) {
  cursor_of(open).give(to, static_cast<std::size_t>(number));
  return SQLITE_OK;
}

int row_id(sqlite3_vtab_cursor* open, sqlite3_int64* out) {
  *out = cursor_of(open).row_id();
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

std::string virtual_declaration(const TableSpec& spec) {
  std::string sql = "CREATE TABLE x(";
  for (std::size_t i = 0; i < spec.columns(); ++i) {
    const Type type = spec.field(i).type;
    std::string words = to_string(type);
    if (sql_type(type) == "TEXT" && words != "VARCHAR") words = words.substr(0, words.find('(')) + " TEXT";
    sql += sql_name(spec.field(i).name) + " " + words + ", ";
  }
  return sql + "_key_group INTEGER HIDDEN)";
}

namespace {

Status add_table(sqlite3* db, const char* module, const std::string& name, std::size_t number) {
  const std::string sql =
      "CREATE VIRTUAL TABLE " + sql_name(name) + " USING " + module + "(" + std::to_string(number) + ")";
  if (sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  return failed("unable to show state table '" + name + "': " + sqlite3_errmsg(db));
}

}  // namespace

Status add_virtual_tables(sqlite3* db, const char* name, const sqlite3_module& module, void* data,
                          std::span<const ViewedTable> tables) {
  if (sqlite3_create_module_v2(db, name, &module, data, nullptr) != SQLITE_OK)
    return failed(std::string("unable to show state tables: ") + sqlite3_errmsg(db));
  for (std::size_t i = 0; i < tables.size(); ++i) {
    const ViewedTable& table = tables[i];
    if (table.pending) continue;
    STREAM_TRY(add_table(db, name, table.long_name(), i));
    if (table.name != table.long_name()) STREAM_TRY(add_table(db, name, table.name, i));
  }
  return {};
}

Status add_state_tables(sqlite3* db, StateView& view) {
  return add_virtual_tables(db, "stream_state", kModule, &view, view.tables());
}

}  // namespace stream
