#include "snapshot/workbench/state_draft.h"

#include <sqlite3.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "snapshot/grouping.h"
#include "snapshot/sql_value.h"
#include "snapshot/workbench/row_sets.h"
#include "transport/base/check.h"
#include "transport/base/text.h"

namespace stream {
namespace {

constexpr std::size_t kRowsAtATime = 4096;

Status status_of(int code, const char* message, const std::string& path) {
  switch (code & 0xff) {
    case SQLITE_CONSTRAINT:
    case SQLITE_ERROR:
    case SQLITE_MISMATCH: return usage_error(message);
    case SQLITE_AUTH: return usage_error("state is edited by INSERT, UPDATE and DELETE over its tables");
    default: return {Code::kSystem, "unable to write '" + path + "': " + message};
  }
}

}  // namespace

StateDraft::StateDraft(CheckpointIndex index, std::vector<ViewedTable> tables)
    : index_(std::move(index)), tables_(std::move(tables)) {
  for (const ViewedTable& table : tables_) for_functions_.specs.push_back(&table.spec);
  for_functions_.key_groups = index_.key_groups;
}

StateDraft::~StateDraft() { sqlite3_close(db_); }

Result<std::unique_ptr<StateDraft>> StateDraft::make(CheckpointIndex index, std::vector<ViewedTable> tables,
                                                     const std::string& file) {
  std::erase_if(tables, [](const ViewedTable& table) { return table.pending; });
  std::unique_ptr<StateDraft> draft(new StateDraft(std::move(index), std::move(tables)));
  STREAM_TRY(draft->open(file));
  STREAM_TRY(draft->begin());
  for (std::size_t i = 0; i < draft->tables_.size(); ++i) STREAM_TRY(draft->execute(draft->sql_of(i).create()));
  STREAM_TRY(draft->commit());
  return draft;
}

Status StateDraft::open(const std::string& file) {
  path_ = file;
  if (std::remove(file.c_str()) != 0 && errno != ENOENT) return system_error("replace", file, errno);
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  const int code = sqlite3_open_v2(file.c_str(), &db_, flags, nullptr);
  if (code != SQLITE_OK) return status_of(code, sqlite3_errstr(code), path_);
  add_draft_functions(db_, for_functions_);
  sqlite3_set_authorizer(db_, allow, this);
  // Nobody needs the file after a crash, so that it loses its name as soon as SQLite has it open, which it has once it
  // has read from it.
  STREAM_TRY(
      execute("PRAGMA locking_mode=EXCLUSIVE;PRAGMA journal_mode=MEMORY;PRAGMA synchronous=OFF;BEGIN EXCLUSIVE"));
  std::remove(file.c_str());
  return commit();
}

int StateDraft::allow(void* self, int action, const char* first, const char* second, const char*, const char*) {
  auto& draft = *static_cast<StateDraft*>(self);
  switch (draft.guard_) {
    case Guard::kNone: return SQLITE_OK;
    case Guard::kChange: return draft.allow_change(action, first) ? SQLITE_OK : SQLITE_DENY;
    case Guard::kCondition: return draft.allow_condition(action, first, second) ? SQLITE_OK : SQLITE_DENY;
  }
  return SQLITE_DENY;
}

bool StateDraft::allow_change(int action, const char* table) const {
  switch (action) {
    case SQLITE_SELECT:
    case SQLITE_READ:
    case SQLITE_FUNCTION:
    case SQLITE_RECURSIVE: return true;
    case SQLITE_INSERT:
    case SQLITE_UPDATE:
    case SQLITE_DELETE: return !std::string_view(table).starts_with("sqlite_");
    default: return false;
  }
}

// Rows of one key must stay together, so that nothing but what places a row decides.
bool StateDraft::allow_condition(int action, const char* first, const char* second) {
  if (action == SQLITE_SELECT) return true;
  const std::string what = second == nullptr ? "" : second;
  if (action == SQLITE_FUNCTION && what != "random" && what != "randomblob") return true;
  if (action == SQLITE_READ && std::ranges::find(may_read_, what) != may_read_.end()) return true;
  refused_ = action == SQLITE_READ ? what : action == SQLITE_FUNCTION ? what + "()" : first == nullptr ? "" : first;
  return false;
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

// --- rows in -------------------------------------------------------------------------------------

std::optional<std::size_t> StateDraft::find(const std::string& stage, const std::string& table) const {
  const auto found = std::ranges::find_if(
      tables_, [&](const ViewedTable& one) { return one.stage == stage && one.spec.name == table; });
  if (found == tables_.end()) return std::nullopt;
  return static_cast<std::size_t>(found - tables_.begin());
}

Status StateDraft::copy(StateView& view) {
  STREAM_TRY(begin());
  for (std::size_t i = 0; i < view.tables().size(); ++i) {
    if (view.tables()[i].pending) continue;
    const auto to = find(view.tables()[i].stage, view.tables()[i].spec.name);
    STREAM_CHECK(to.has_value());
    STREAM_ASSIGN(Inserter inserter, insert_into(*to));
    const auto add = [&](const Batch& rows, std::uint32_t instance) -> Status {
      for (std::size_t row = 0; row < rows.rows; ++row) STREAM_TRY(inserter.add(rows, row, instance).status());
      return {};
    };
    STREAM_TRY(for_each_row_set(view, i, add));
  }
  return commit();
}

Result<StateDraft::Inserter> StateDraft::insert_into(std::size_t table) {
  const DraftTable sql = sql_of(table);
  Inserter inserter;
  inserter.db_ = db_;
  inserter.by_instance_ = by_instance(tables_[table].spec);
  inserter.scratch_.resize(tables_[table].spec.columns());
  STREAM_ASSIGN(inserter.insert_, prepare(sql.insert()));
  STREAM_ASSIGN(inserter.replace_, prepare(sql.replace()));
  STREAM_ASSIGN(inserter.count_equal_, prepare(sql.count_equal()));
  return inserter;
}

Status StateDraft::clear(std::size_t table) const { return execute("DELETE FROM " + sql_name(tables_[table].name)); }

void StateDraft::Inserter::bind(Statement& statement, const Batch& batch, std::size_t row, std::uint32_t instance) {
  for (std::size_t i = 0; i < scratch_.size(); ++i)
    bind_value(statement, static_cast<int>(i) + 1, batch.columns[i], row, scratch_[i]);
  if (by_instance_) statement.bind(static_cast<int>(scratch_.size()) + 1, std::int64_t{instance});
}

Result<bool> StateDraft::Inserter::add(const Batch& batch, std::size_t row, std::uint32_t instance) {
  bind(insert_, batch, row, instance);
  STREAM_TRY(insert_.run());
  return sqlite3_changes(db_) == 1;
}

Status StateDraft::Inserter::replace(const Batch& batch, std::size_t row, std::uint32_t instance) {
  bind(replace_, batch, row, instance);
  return replace_.run();
}

Result<bool> StateDraft::Inserter::holds(const Batch& batch, std::size_t row, std::uint32_t instance) {
  bind(count_equal_, batch, row, instance);
  STREAM_TRY(count_equal_.step().status());
  const bool there = count_equal_.integer(0) > 0;
  count_equal_.reset();
  return there;
}

Result<std::uint64_t> StateDraft::change(const std::string& sql) {
  STREAM_TRY(begin());
  const auto before = sqlite3_total_changes64(db_);
  guard_ = Guard::kChange;
  const Status done = execute(sql);
  guard_ = Guard::kNone;
  if (!done.ok()) {
    (void)execute("ROLLBACK");
    return done;
  }
  STREAM_TRY(commit());
  return static_cast<std::uint64_t>(sqlite3_total_changes64(db_) - before);
}

// --- conditions ----------------------------------------------------------------------------------

Status StateDraft::check_condition(std::size_t table, const std::string& expression, std::size_t columns) {
  const TableSpec& spec = tables_[table].spec;
  may_read_.clear();
  for (std::size_t i = 0; i < columns; ++i) may_read_.push_back(spec.field(i).name);
  refused_.clear();
  guard_ = Guard::kCondition;
  const auto ready = prepare("SELECT (" + expression + ") FROM " + sql_name(tables_[table].name));
  guard_ = Guard::kNone;
  if (ready.ok()) return {};
  if (refused_.empty()) return usage_error("'" + expression + "': " + ready.status().what());
  return usage_error("'" + expression + "' needs '" + refused_ + "', but rows of '" + tables_[table].name +
                     "' are placed by " + join(may_read_, ", "));
}

Result<std::uint64_t> StateDraft::count(std::size_t table, const std::string& condition) const {
  STREAM_ASSIGN(Statement rows, prepare("SELECT count(*) FROM " + sql_name(tables_[table].name) +
                                        (condition.empty() ? "" : " WHERE " + condition)));
  STREAM_TRY(rows.step().status());
  return static_cast<std::uint64_t>(rows.integer(0));
}

// --- rows out ------------------------------------------------------------------------------------

Status StateDraft::index_groups(std::size_t table) {
  if (tables_[table].spec.distribution != Distribution::kKeyed) return {};
  return execute("CREATE INDEX \"group of " + std::to_string(table) + "\" ON " + sql_name(tables_[table].name) + " (" +
                 sql_of(table).group() + ")");
}

Result<CheckpointIndex> StateDraft::seal(Files& files, CheckpointIndex index, const std::string& target,
                                         bool single_file, const DraftPart& part) {
  if (!std::exchange(grouped_, true)) {
    for (std::size_t i = 0; i < tables_.size(); ++i) STREAM_TRY(index_groups(i));
  }
  return write_savepoint(
      files, std::move(index), target, single_file,
      [&](const IndexInstance& instance, SavepointInstanceWriter& writer) { return fill(instance, part, writer); });
}

std::uint32_t StateDraft::parallelism_of(const std::string& stage) const {
  return restore_source(index_, stage, "", false).parallelism;
}

std::vector<std::string> StateDraft::conditions(std::size_t table, std::uint32_t instance,
                                                const DraftPart& part) const {
  const TableSpec& spec = tables_[table].spec;
  std::vector<std::string> all;
  if (by_instance(spec)) all.push_back(std::string(kInstanceColumn) + " = " + std::to_string(instance));
  if (spec.distribution == Distribution::kKeyed) {
    const KeyGroupRange groups = key_groups_of(instance, parallelism_of(tables_[table].stage), index_.key_groups);
    all.push_back(sql_of(table).group() + " >= " + std::to_string(groups.begin));
    all.push_back(sql_of(table).group() + " < " + std::to_string(groups.end));
  }
  if (!part.empty() && !part[table].empty()) all.push_back("(" + part[table] + ")");
  return all;
}

Status StateDraft::fill(const IndexInstance& instance, const DraftPart& part, SavepointInstanceWriter& writer) {
  for (std::size_t i = 0; i < tables_.size(); ++i) {
    if (tables_[i].stage != instance.stage) continue;
    STREAM_TRY(writer.start_table(tables_[i].spec));
    std::string where;
    for (const std::string& condition : conditions(i, instance.instance, part))
      where += (where.empty() ? " WHERE " : " AND ") + condition;
    STREAM_TRY(fill_table(i, where + " ORDER BY " + sql_of(i).group(), instance.instance, writer));
  }
  return {};
}

Status StateDraft::fill_table(std::size_t table, const std::string& where, std::uint32_t instance,
                              SavepointInstanceWriter& writer) {
  const TableSpec& spec = tables_[table].spec;
  const std::uint32_t parallelism = parallelism_of(tables_[table].stage);
  STREAM_ASSIGN(Statement rows,
                prepare("SELECT " + sql_of(table).names() + ", 0 FROM " + sql_name(tables_[table].name) + where));
  RowReader reader(std::move(rows), spec);
  const auto owned = [&](Batch batch) {
    if (spec.distribution != Distribution::kSplit) return batch;
    const std::vector<std::uint64_t> hashes = group_hashes(spec, batch);
    std::vector<std::uint32_t> keep;
    for (std::uint32_t i = 0; i < hashes.size(); ++i) {
      if (owner_of_split(hashes[i], parallelism) == instance) keep.push_back(i);
    }
    return batch.take(keep);
  };
  for (;;) {
    STREAM_ASSIGN(Batch batch, reader.next(kRowsAtATime));
    if (batch.rows == 0) return {};
    STREAM_TRY(writer.add_rows(owned(std::move(batch))));
  }
}

Status StateDraft::visit(std::size_t table, const RowSetVisitor& visit) const {
  const TableSpec& spec = tables_[table].spec;
  const std::string instance = by_instance(spec) ? std::string(kInstanceColumn) : "0";
  STREAM_ASSIGN(Statement rows, prepare("SELECT " + sql_of(table).names() + ", " + instance + " FROM " +
                                        sql_name(tables_[table].name)));
  RowReader reader(std::move(rows), spec);
  for (;;) {
    STREAM_ASSIGN(const Batch row, reader.next(1));
    if (row.rows == 0) return {};
    STREAM_TRY(visit(row, static_cast<std::uint32_t>(reader.behind())));
  }
}

}  // namespace stream
