#include "snapshot/workbench/state_draft.h"

#include <sqlite3.h>

#include <cstdio>

#include "snapshot/grouping.h"
#include "snapshot/sql_value.h"
#include "snapshot/table_slices.h"
#include "transport/base/text.h"

namespace stream {
namespace {

constexpr std::uint64_t kPieceBytes = 32 << 20;
constexpr std::size_t kRowsAtATime = 4096;
constexpr std::string_view kInstance = "_instance";  // of tables whose rows do not go by their keys

Status status_of(int code, const char* message, const std::string& path) {
  switch (code & 0xff) {
    case SQLITE_CONSTRAINT:
    case SQLITE_ERROR:
    case SQLITE_MISMATCH: return usage_error(message);
    case SQLITE_AUTH: return usage_error("state is edited by INSERT, UPDATE and DELETE over its tables");
    default: return {Code::kSystem, "unable to write '" + path + "': " + message};
  }
}

// Rows of these stay with an instance, or go by their split.
bool by_instance(const TableSpec& spec) { return spec.distribution == Distribution::kShared; }

// stream_is('TIMESTAMP', value): whether the value can stand in such a column.
void is_type(sqlite3_context* to, int, sqlite3_value** args) {
  const auto* name = reinterpret_cast<const char*>(sqlite3_value_text(args[0]));
  const auto type = parse_type(name == nullptr ? "" : name);
  ColumnBuilder column(type.ok() ? *type : kVarchar);
  sqlite3_result_int(to, type.ok() && append_given(args[1], column) ? 1 : 0);
}

// stream_key_group(TABLE, columns that place a row…)
void key_group(sqlite3_context* to, int count, sqlite3_value** args) {
  const auto& view = *static_cast<const StateView*>(sqlite3_user_data(to));
  const TableSpec& spec = view.tables()[static_cast<std::size_t>(sqlite3_value_int64(args[0]))].spec;
  Batch key{nullptr, 1, {}, {}};
  for (int i = 1; i < count; ++i) {
    ColumnBuilder column(spec.field(static_cast<std::size_t>(i - 1)).type);
    if (!append_given(args[i], column)) return sqlite3_result_error(to, "a key column holds no value of its type", -1);
    key.columns.push_back(column.finish());
  }
  sqlite3_result_int64(to, key_group_of(group_hashes(spec, key)[0], view.index().key_groups).value());
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

std::string group_of(std::size_t table, const TableSpec& spec) {
  return "stream_key_group(" + std::to_string(table) + ", " + names_of(spec, group_columns_of(spec).size()) + ")";
}

}  // namespace

StateDraft::~StateDraft() { sqlite3_close(db_); }

Result<std::unique_ptr<StateDraft>> StateDraft::make(StateView& view, const std::string& folder,
                                                     const std::string& file) {
  std::unique_ptr<StateDraft> draft(new StateDraft(view));
  STREAM_TRY(draft->open(file));
  for (std::size_t i = 0; i < view.tables().size(); ++i) {
    if (view.tables()[i].pending) continue;
    STREAM_TRY(draft->make_table(i));
    STREAM_TRY(draft->copy_table(i, folder));
  }
  STREAM_TRY(draft->execute("COMMIT"));
  return draft;
}

Status StateDraft::open(const std::string& file) {
  path_ = file;
  if (std::remove(file.c_str()) != 0 && errno != ENOENT) return system_error("replace", file, errno);
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  const int code = sqlite3_open_v2(file.c_str(), &db_, flags, nullptr);
  if (code != SQLITE_OK) return status_of(code, sqlite3_errstr(code), path_);
  const int plain = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
  sqlite3_create_function_v2(db_, "stream_is", 2, plain, nullptr, is_type, nullptr, nullptr, nullptr);
  sqlite3_create_function_v2(db_, "stream_key_group", -1, plain, &view_, key_group, nullptr, nullptr, nullptr);
  sqlite3_set_authorizer(db_, allow, this);
  // Nobody needs the file after a crash.
  return execute("PRAGMA locking_mode=EXCLUSIVE;PRAGMA journal_mode=MEMORY;PRAGMA synchronous=OFF;BEGIN");
}

int StateDraft::allow(void* self, int action, const char* first, const char*, const char*, const char*) {
  if (!static_cast<StateDraft*>(self)->guarding_) return SQLITE_OK;
  switch (action) {
    case SQLITE_SELECT:
    case SQLITE_READ:
    case SQLITE_FUNCTION:
    case SQLITE_RECURSIVE: return SQLITE_OK;
    case SQLITE_INSERT:
    case SQLITE_UPDATE:
    case SQLITE_DELETE: return std::string_view(first).starts_with("sqlite_") ? SQLITE_DENY : SQLITE_OK;
    default: return SQLITE_DENY;
  }
}

Result<Statement> StateDraft::prepare(const std::string& sql) const {
  sqlite3_stmt* raw = nullptr;
  const int code = sqlite3_prepare_v2(db_, sql.data(), static_cast<int>(sql.size()), &raw, nullptr);
  if (code != SQLITE_OK) return status_of(code, sqlite3_errmsg(db_), path_);
  return Statement(raw, &path_, status_of);
}

Status StateDraft::execute(const std::string& sql) const {
  const int code = sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? Status() : status_of(code, sqlite3_errmsg(db_), path_);
}

Status StateDraft::make_table(std::size_t table) {
  const TableSpec& spec = view_.tables()[table].spec;
  std::string sql = "CREATE TABLE " + sql_name(view_.tables()[table].name) + " (";
  for (std::size_t i = 0; i < spec.columns(); ++i) sql += column_definition(spec.field(i)) + ", ";
  if (by_instance(spec)) sql += std::string(kInstance) + " INTEGER NOT NULL DEFAULT 0, ";
  const std::string also = by_instance(spec) ? ", " + std::string(kInstance) : "";
  return execute(sql + "UNIQUE (" + names_of(spec, spec.key.size()) + also + "))");
}

Status StateDraft::copy_table(std::size_t table, const std::string& folder) {
  const ViewedTable& viewed = view_.tables()[table];
  if (by_instance(viewed.spec)) {
    for (const IndexInstance& instance : view_.index().instances) {
      if (instance.stage == viewed.stage) STREAM_TRY(copy_instance(table, folder, instance.instance));
    }
    return {};
  }
  STREAM_ASSIGN(const auto pieces, view_.cut(table, kPieceBytes));
  for (const KeyGroupRange piece : pieces) {
    StateTable rows(view_.plain_spec(table), false);
    STREAM_TRY(view_.load(table, piece, rows));
    STREAM_TRY(insert(table, rows, -1));
  }
  return {};
}

// What one instance has of a table of which each has its own.
Status StateDraft::copy_instance(std::size_t table, const std::string& folder, std::uint32_t instance) {
  const RestoreSource source = restore_source(view_.index(), view_.tables()[table].stage, folder, false);
  STREAM_ASSIGN(const auto own, RestoreReader::open(source, {instance, source.parallelism, view_.index().key_groups}));
  StateTable rows(view_.plain_spec(table), false);
  STREAM_TRY(own->load(own->groups_of(rows.spec()), rows));
  return insert(table, rows, instance);
}

Status StateDraft::insert(std::size_t table, const StateTable& rows, std::int64_t instance) {
  const std::size_t columns = rows.spec().columns();
  std::string sql = "INSERT INTO " + sql_name(view_.tables()[table].name) + " VALUES (?";
  for (std::size_t i = 1; i < columns + (instance < 0 ? 0 : 1); ++i) sql += ", ?";
  STREAM_ASSIGN(Statement statement, prepare(sql + ")"));
  std::vector<std::string> scratch(columns);
  return for_each_chunk(rows, kRowsAtATime, [&](const Batch& batch) -> Status {
    for (std::size_t row = 0; row < batch.rows; ++row) {
      for (std::size_t i = 0; i < columns; ++i)
        bind_value(statement, static_cast<int>(i) + 1, batch.columns[i], row, scratch[i]);
      if (instance >= 0) statement.bind(static_cast<int>(columns) + 1, instance);
      STREAM_TRY(statement.run());
    }
    return {};
  });
}

Result<std::uint64_t> StateDraft::change(const std::string& sql) {
  STREAM_TRY(execute("BEGIN"));
  const auto before = sqlite3_total_changes64(db_);
  guarding_ = true;
  const Status done = execute(sql);
  guarding_ = false;
  if (!done.ok()) {
    (void)execute("ROLLBACK");
    return done;
  }
  STREAM_TRY(execute("COMMIT"));
  return static_cast<std::uint64_t>(sqlite3_total_changes64(db_) - before);
}

Status StateDraft::index_groups(std::size_t table) {
  const ViewedTable& viewed = view_.tables()[table];
  if (viewed.pending || viewed.spec.distribution != Distribution::kKeyed) return {};
  return execute("CREATE INDEX \"group of " + std::to_string(table) + "\" ON " + sql_name(viewed.name) + " (" +
                 group_of(table, viewed.spec) + ")");
}

Result<CheckpointIndex> StateDraft::seal(Files& files, CheckpointIndex index, const std::string& target,
                                         bool single_file) {
  for (std::size_t i = 0; i < view_.tables().size(); ++i) STREAM_TRY(index_groups(i));
  return write_savepoint(
      files, std::move(index), target, single_file,
      [&](const IndexInstance& instance, SavepointInstanceWriter& writer) { return fill(instance, writer); });
}

Status StateDraft::fill(const IndexInstance& instance, SavepointInstanceWriter& writer) {
  const std::uint32_t parallelism = restore_source(view_.index(), instance.stage, "", false).parallelism;
  for (std::size_t i = 0; i < view_.tables().size(); ++i) {
    const ViewedTable& table = view_.tables()[i];
    if (table.stage != instance.stage || table.pending) continue;
    STREAM_TRY(writer.start_table(table.spec));
    const std::string group = group_of(i, table.spec);
    std::string where;
    if (by_instance(table.spec)) where = " WHERE " + std::string(kInstance) + " = " + std::to_string(instance.instance);
    if (table.spec.distribution == Distribution::kKeyed) {
      const KeyGroupRange groups = key_groups_of(instance.instance, parallelism, view_.index().key_groups);
      where = " WHERE " + group + " >= " + std::to_string(groups.begin) + " AND " + group + " < " +
              std::to_string(groups.end);
    }
    where += " ORDER BY " + group;
    STREAM_TRY(fill_table(i, where, instance.instance, writer));
  }
  return {};
}

Status StateDraft::fill_table(std::size_t table, const std::string& where, std::uint32_t instance,
                              SavepointInstanceWriter& writer) {
  const TableSpec& spec = view_.tables()[table].spec;
  const std::uint32_t parallelism = restore_source(view_.index(), view_.tables()[table].stage, "", false).parallelism;
  STREAM_ASSIGN(Statement rows, prepare("SELECT " + names_of(spec, spec.columns()) + " FROM " +
                                        sql_name(view_.tables()[table].name) + where));
  const auto owned = [&](Batch batch) {
    if (spec.distribution != Distribution::kSplit) return batch;
    const std::vector<std::uint64_t> hashes = group_hashes(spec, batch);
    std::vector<std::uint32_t> keep;
    for (std::uint32_t i = 0; i < hashes.size(); ++i) {
      if (owner_of_split(hashes[i], parallelism) == instance) keep.push_back(i);
    }
    return batch.take(keep);
  };
  for (bool more = true; more;) {
    std::vector<ColumnBuilder> columns;
    for (std::size_t i = 0; i < spec.columns(); ++i) columns.emplace_back(spec.field(i).type);
    std::size_t count = 0;
    for (; count < kRowsAtATime; ++count) {
      STREAM_ASSIGN(more, rows.step());
      if (!more) break;
      for (std::size_t i = 0; i < columns.size(); ++i) STREAM_TRY(append_value(rows, static_cast<int>(i), columns[i]));
    }
    if (count == 0) break;
    Batch batch{nullptr, count, {}, {}};
    for (ColumnBuilder& column : columns) batch.columns.push_back(column.finish());
    STREAM_TRY(writer.add_rows(owned(std::move(batch))));
  }
  return {};
}

}  // namespace stream
