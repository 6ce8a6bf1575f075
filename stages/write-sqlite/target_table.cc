#include "stages/write-sqlite/target_table.h"

#include <algorithm>

#include "stages/format/print_value.h"
#include "stages/kit/row_text.h"
#include "transport/base/text.h"
#include "transport/record/key.h"

namespace stream {
namespace {

std::string_view sqlite_type(Type type) {
  switch (type.kind) {
    case TypeKind::kBoolean:
    case TypeKind::kBigint: return "INTEGER";
    case TypeKind::kDouble: return "REAL";
    case TypeKind::kBlob: return "BLOB";
    default: return "TEXT";
  }
}

// "a", "b": each column through `piece`.
template <class Piece>
std::string listed(const std::vector<std::size_t>& columns, std::string_view separator, const Piece& piece) {
  std::string out;
  for (const std::size_t column : columns) {
    if (!out.empty()) out += separator;
    out += piece(column);
  }
  return out;
}

std::vector<std::size_t> all_columns(const Schema& schema) {
  std::vector<std::size_t> all(schema.fields.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
  return all;
}

std::string parameter(std::size_t column) { return "?" + std::to_string(column + 1); }

}  // namespace

TargetTable::TargetTable(TargetDatabase& database, std::string name, SchemaPtr schema, std::vector<std::size_t> key)
    : database_(database),
      name_(std::move(name)),
      schema_(std::move(schema)),
      key_(std::move(key)),
      texts_(schema_->fields.size()) {}

Result<bool> TargetTable::exists() {
  STREAM_ASSIGN(Statement query, database_.prepare("SELECT type FROM sqlite_master WHERE name = ?1 COLLATE NOCASE"));
  query.bind_text(1, name_);
  STREAM_ASSIGN(const bool found, query.step());
  if (found && query.text(0) != "table") {
    return usage_error("'" + name_ + "' in '" + database_.path() + "' is a " + std::string(query.text(0)) +
                       ", not a table");
  }
  return found;
}

// UNIQUE and not PRIMARY KEY: the latter would make an INTEGER key the row id, which cannot be NULL.
Status TargetTable::create() {
  std::string sql = "CREATE TABLE " + sql_name(name_) + " (";
  sql += listed(all_columns(*schema_), ", ", [&](std::size_t column) {
    const Field& field = schema_->fields[column];
    return sql_name(field.name) + " " + std::string(sqlite_type(field.type));
  });
  if (!key_.empty()) {
    sql += ", UNIQUE (" +
           listed(key_, ", ", [&](std::size_t column) { return sql_name(schema_->fields[column].name); }) + ")";
  }
  prepared_ = false;
  return database_.execute(sql + ")");
}

Status TargetTable::drop() { return database_.execute("DROP TABLE " + sql_name(name_)); }

Result<std::vector<std::string>> TargetTable::columns() {
  STREAM_ASSIGN(Statement query, database_.prepare("SELECT name FROM pragma_table_info(?1)"));
  query.bind_text(1, name_);
  std::vector<std::string> names;
  for (;;) {
    STREAM_ASSIGN(const bool row, query.step());
    if (!row) return names;
    names.push_back(lower(query.text(0)));
  }
}

Status TargetTable::add_columns() {
  STREAM_ASSIGN(const std::vector<std::string> names, columns());
  for (std::size_t i = 0; i < schema_->fields.size(); ++i) {
    const Field& field = schema_->fields[i];
    const bool there = std::ranges::find(names, lower(field.name)) != names.end();
    if (there || std::ranges::find(key_, i) != key_.end()) continue;
    STREAM_TRY(database_.execute("ALTER TABLE " + sql_name(name_) + " ADD COLUMN " + sql_name(field.name) + " " +
                                 std::string(sqlite_type(field.type))));
    prepared_ = false;
  }
  return {};
}

Status TargetTable::check() {
  STREAM_ASSIGN(const std::vector<std::string> names, columns());
  for (const Field& field : schema_->fields) {
    if (std::ranges::find(names, lower(field.name)) != names.end()) continue;
    return usage_error("table '" + name_ + "' in '" + database_.path() + "' has no column '" + field.name + "'" +
                       did_you_mean(lower(field.name), names));
  }
  for (const char* candidate : {"rowid", "_rowid_", "oid"}) {
    if (std::ranges::find(names, candidate) != names.end()) continue;
    row_id_ = candidate;
    if (!database_.prepare("SELECT " + row_id_ + " FROM " + sql_name(name_)).ok()) break;
    return check_statements();
  }
  return usage_error("table '" + name_ + "' in '" + database_.path() +
                     "' has no row ids: make it without WITHOUT ROWID");
}

// What SQLite refuses to prepare for a table that is there, such as writing a generated column, it always will.
Status TargetTable::check_statements() {
  prepared_ = false;
  Status prepared = prepare_statements();
  return prepared.code() == Code::kFailed ? usage_error(prepared.what()) : prepared;
}

std::string TargetTable::key_condition() const {
  return listed(key_, " AND ", [&](std::size_t column) {
    return sql_name(schema_->fields[column].name) + " IS " + parameter(column);
  });
}

Status TargetTable::prepare_statements() {
  if (prepared_) return {};
  const auto name_of = [&](std::size_t column) { return sql_name(schema_->fields[column].name); };
  const std::vector<std::size_t> all = all_columns(*schema_);
  const std::string table = sql_name(name_);
  STREAM_ASSIGN(insert_, database_.prepare("INSERT INTO " + table + " (" + listed(all, ", ", name_of) + ") VALUES (" +
                                           listed(all, ", ", parameter) + ")"));
  STREAM_ASSIGN(erase_, database_.prepare("DELETE FROM " + table + " WHERE " + row_id_ + " BETWEEN ?1 AND ?2"));
  if (!key_.empty()) {
    const std::string values =
        listed(all, ", ", [&](std::size_t column) { return name_of(column) + " = " + parameter(column); });
    STREAM_ASSIGN(update_, database_.prepare("UPDATE " + table + " SET " + values + " WHERE " + key_condition() +
                                             " RETURNING " + row_id_));
    STREAM_ASSIGN(delete_,
                  database_.prepare("DELETE FROM " + table + " WHERE " + key_condition() + " RETURNING " + row_id_));
  }
  prepared_ = true;
  return {};
}

void TargetTable::bind(Statement& statement, const Batch& batch, std::size_t row, std::size_t column) {
  const Column& from = batch.columns[column];
  const int to = static_cast<int>(column + 1);
  if (!from.valid(row)) {
    statement.bind_null(to);
    return;
  }
  switch (from.type().kind) {
    case TypeKind::kBoolean: statement.bind(to, std::int64_t{from.value<std::uint8_t>(row)}); return;
    case TypeKind::kBigint: statement.bind(to, from.value<std::int64_t>(row)); return;
    case TypeKind::kDouble: statement.bind(to, from.value<double>(row)); return;
    case TypeKind::kBlob: statement.bind_blob(to, from.bytes(row)); return;
    case TypeKind::kVarchar:
    case TypeKind::kJson: statement.bind_text(to, from.bytes(row)); return;
    default: break;
  }
  std::string& text = texts_[column];
  text.resize(format::printed_size(from, row));
  text.resize(static_cast<std::size_t>(format::print_value(text.data(), from, row) - text.data()));
  statement.bind_text(to, text);
}

Status TargetTable::insert(const Batch& batch, std::size_t row, std::vector<RowRange>& inserted) {
  for (std::size_t column = 0; column < batch.columns.size(); ++column) bind(insert_, batch, row, column);
  STREAM_TRY(insert_.run());
  const std::int64_t id = database_.last_row_id();
  if (!inserted.empty() && inserted.back().last + 1 == id) {
    inserted.back().last = id;
  } else {
    inserted.push_back({id, id});
  }
  return {};
}

// Not ON CONFLICT: NULLs in a key are equal here, and the table may have other constraints.
Status TargetTable::upsert(const Batch& batch, std::size_t row, std::vector<RowRange>& inserted) {
  for (std::size_t column = 0; column < batch.columns.size(); ++column) bind(update_, batch, row, column);
  STREAM_ASSIGN(const bool there, change(update_));
  return there ? Status() : insert(batch, row, inserted);
}

Status TargetTable::erase_key(const Batch& batch, std::size_t row) {
  for (const std::size_t column : key_) bind(delete_, batch, row, column);
  return change(delete_).status();
}

// Whether there were such rows; notes which.
Result<bool> TargetTable::change(Statement& statement) {
  bool there = false;
  for (;;) {
    STREAM_ASSIGN(const bool row, statement.step());
    if (!row) break;
    there = true;
    oldest_changed_ = std::min(oldest_changed_, statement.integer(0));
  }
  statement.reset();
  return there;
}

// An update-before whose update-after follows under the same key.
bool TargetTable::superseded(const Batch& batch, std::size_t row) const {
  if (row + 1 >= batch.rows || batch.kind(row + 1) != RowKind::kUpdateAfter) return false;
  std::string before;
  std::string after;
  append_key(batch, key_, row, before);
  append_key(batch, key_, row + 1, after);
  return before == after;
}

Status TargetTable::apply(const Batch& batch, std::vector<RowRange>& inserted) {
  STREAM_TRY(prepare_statements());
  for (std::size_t row = 0; row < batch.rows; ++row) {
    Status written = write(batch, row, inserted);
    if (written.code() == Code::kBadRecord) return {Code::kBadRecord, written.what() + ": " + row_text(batch, row)};
    if (!written.ok()) return written;
  }
  return {};
}

Status TargetTable::write(const Batch& batch, std::size_t row, std::vector<RowRange>& inserted) {
  if (key_.empty()) return insert(batch, row, inserted);
  const RowKind kind = batch.kind(row);
  if (kind == RowKind::kUpdateBefore && superseded(batch, row)) return {};
  const bool gone = kind == RowKind::kUpdateBefore || kind == RowKind::kDelete;
  return gone ? erase_key(batch, row) : upsert(batch, row, inserted);
}

Status TargetTable::erase(RowRange rows) {
  STREAM_TRY(prepare_statements());
  return erase_.bind(1, rows.first).bind(2, rows.last).run();
}

}  // namespace stream
