#include "snapshot/workbench/draft_table.h"

#include <sqlite3.h>

#include "snapshot/grouping.h"
#include "snapshot/sql_value.h"

namespace stream {
namespace {

void is_type(sqlite3_context* to, int, sqlite3_value** args) {
  const auto* name = reinterpret_cast<const char*>(sqlite3_value_text(args[0]));
  const auto type = parse_type(name == nullptr ? "" : name);
  ColumnBuilder column(type.ok() ? *type : kVarchar);
  sqlite3_result_int(to, type.ok() && append_given(args[1], column) ? 1 : 0);
}

void key_group(sqlite3_context* to, int count, sqlite3_value** args) {
  const auto& tables = *static_cast<const DraftTables*>(sqlite3_user_data(to));
  const TableSpec& spec = *tables.specs[static_cast<std::size_t>(sqlite3_value_int64(args[0]))];
  Batch key{nullptr, 1, {}, {}};
  for (int i = 1; i < count; ++i) {
    ColumnBuilder column(spec.field(static_cast<std::size_t>(i - 1)).type);
    if (!append_given(args[i], column)) return sqlite3_result_error(to, "a key column holds no value of its type", -1);
    key.columns.push_back(column.finish());
  }
  sqlite3_result_int64(to, key_group_of(group_hashes(spec, key)[0], tables.key_groups).value());
}

std::string column_definition(const Field& field) {
  const std::string name = sql_name(field.name);
  const std::string type = to_string(field.type);
  std::string sql = name + " " + std::string(sql_type(field.type));
  sql += " CONSTRAINT " + sql_name(field.name + " holds " + type) + " CHECK (stream_is('" + type + "', " + name + ")";
  if (field.type == kJson) sql += " AND (" + name + " IS NULL OR json_valid(" + name + "))";
  return sql + ")";
}

std::string names_of(const TableSpec& spec, std::size_t count) {
  std::string names;
  for (std::size_t i = 0; i < count; ++i) names += (i == 0 ? "" : ", ") + sql_name(spec.field(i).name);
  return names;
}

}  // namespace

std::string DraftTable::names() const { return names_of(spec_, spec_.columns()); }

std::size_t DraftTable::parameters() const { return spec_.columns() + (by_instance(spec_) ? 1 : 0); }

std::string DraftTable::create() const {
  std::string sql = "CREATE TABLE " + sql_name(name_) + " (";
  for (std::size_t i = 0; i < spec_.columns(); ++i) sql += (i == 0 ? "" : ", ") + column_definition(spec_.field(i));
  if (by_instance(spec_)) sql += ", " + std::string(kInstanceColumn) + " INTEGER NOT NULL DEFAULT 0";
  return sql + ");" + key_index();
}

// To SQLite two NULLs differ, to a state table they are the same key. What stands for NULL is of another kind than any
// value of the column.
std::string DraftTable::key_index() const {
  std::string sql = "CREATE UNIQUE INDEX " + sql_name("key of " + name_ + ": " + names_of(spec_, spec_.key.size())) +
                    " ON " + sql_name(name_) + " (";
  for (std::size_t i = 0; i < spec_.key.size(); ++i) {
    sql += (i == 0 ? "ifnull(" : ", ifnull(") + sql_name(spec_.key[i].name) +
           (sql_type(spec_.key[i].type) == "BLOB" ? ", 0)" : ", x'')");
  }
  if (by_instance(spec_)) sql += ", " + std::string(kInstanceColumn);
  return sql + ")";
}

std::string DraftTable::values(std::string_view verb) const {
  std::string sql = std::string(verb) + " INTO " + sql_name(name_) + " VALUES (?";
  for (std::size_t i = 1; i < parameters(); ++i) sql += ", ?";
  return sql + ")";
}

std::string DraftTable::insert() const { return values("INSERT") + " ON CONFLICT DO NOTHING"; }
std::string DraftTable::replace() const { return values("INSERT OR REPLACE"); }

std::string DraftTable::count_equal() const {
  std::string sql = "SELECT count(*) FROM " + sql_name(name_) + " WHERE ";
  for (std::size_t i = 0; i < spec_.columns(); ++i) {
    const std::string name = sql_name(spec_.field(i).name);
    const bool blob = sql_type(spec_.field(i).type) == "BLOB";
    const std::string null = blob ? ", 0)" : ", x'')";
    const std::string given = "?" + std::to_string(i + 1);
    sql += i == 0 ? "" : " AND ";
    // As in the key's index, so that it is used.
    sql += i < spec_.key.size() ? "ifnull(" + name + null + " = ifnull(" + given + null : name + " IS " + given;
  }
  if (by_instance(spec_)) sql += " AND " + std::string(kInstanceColumn) + " = ?" + std::to_string(parameters());
  return sql;
}

std::string DraftTable::group() const {
  return "stream_key_group(" + std::to_string(number_) + ", " + names_of(spec_, group_columns_of(spec_).size()) + ")";
}

void add_draft_functions(sqlite3* db, const DraftTables& tables) {
  const int plain = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
  auto* data = const_cast<DraftTables*>(&tables);  // SQLite hands it back as it is
  sqlite3_create_function_v2(db, "stream_is", 2, plain, nullptr, is_type, nullptr, nullptr, nullptr);
  sqlite3_create_function_v2(db, "stream_key_group", -1, plain, data, key_group, nullptr, nullptr, nullptr);
}

}  // namespace stream
