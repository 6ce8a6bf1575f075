#include "stages/write-sqlite/commit_log.h"

namespace stream {
namespace {

constexpr std::uint64_t kEpochsKept = 1000;
constexpr std::uint64_t kForgetEvery = 100;

std::int64_t number(Epoch epoch) { return static_cast<std::int64_t>(epoch.value()); }

}  // namespace

Status CommitLog::create_tables() {
  return database_.execute(
      "CREATE TABLE IF NOT EXISTS _stream_sinks (run TEXT NOT NULL, stage TEXT NOT NULL, table_name TEXT NOT NULL,"
      " forgotten INTEGER NOT NULL, PRIMARY KEY (run, stage)) WITHOUT ROWID;"
      "CREATE TABLE IF NOT EXISTS _stream_commits (run TEXT NOT NULL, stage TEXT NOT NULL, epoch INTEGER NOT NULL,"
      " instance INTEGER NOT NULL, PRIMARY KEY (run, stage, epoch, instance)) WITHOUT ROWID;"
      "CREATE TABLE IF NOT EXISTS _stream_rows (run TEXT NOT NULL, stage TEXT NOT NULL, epoch INTEGER NOT NULL,"
      " first_row INTEGER NOT NULL, last_row INTEGER NOT NULL);"
      "CREATE TABLE IF NOT EXISTS _stream_changes (run TEXT NOT NULL, stage TEXT NOT NULL, epoch INTEGER NOT NULL,"
      " oldest_row INTEGER NOT NULL);"
      "CREATE TABLE IF NOT EXISTS _stream_attempts (run TEXT NOT NULL, stage TEXT NOT NULL, attempt INTEGER NOT NULL,"
      " PRIMARY KEY (run, stage)) WITHOUT ROWID;"
      "CREATE INDEX IF NOT EXISTS _stream_changes_epoch ON _stream_changes (run, stage, epoch);"
      "CREATE INDEX IF NOT EXISTS _stream_rows_epoch ON _stream_rows (run, stage, epoch)");
}

// ?1 run, ?2 stage, ?3 epoch.
Result<Statement> CommitLog::prepare(const std::string& sql, std::int64_t epoch) {
  STREAM_ASSIGN(Statement statement, database_.prepare(sql));
  statement.bind_text(1, run_).bind_text(2, stage_).bind(3, epoch);
  return statement;
}

Status CommitLog::run(const std::string& sql, std::int64_t epoch) {
  STREAM_ASSIGN(Statement statement, prepare(sql, epoch));
  return statement.run();
}

Result<bool> CommitLog::begun() {
  STREAM_ASSIGN(Statement query, database_.prepare("SELECT 1 FROM _stream_sinks WHERE run = ?1 AND stage = ?2"));
  query.bind_text(1, run_).bind_text(2, stage_);
  return query.step();
}

Status CommitLog::begin(const std::string& table) {
  STREAM_ASSIGN(Statement insert, database_.prepare("INSERT INTO _stream_sinks VALUES (?1, ?2, ?3, 0)"));
  return insert.bind_text(1, run_).bind_text(2, stage_).bind_text(3, table).run();
}

Status CommitLog::take_over(std::uint32_t attempt) {
  STREAM_TRY(check_newest(attempt));
  return run("INSERT INTO _stream_attempts VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET attempt = excluded.attempt",
             attempt);
}

Status CommitLog::check_newest(std::uint32_t attempt) {
  STREAM_ASSIGN(
      Statement query,
      prepare("SELECT attempt FROM _stream_attempts WHERE run = ?1 AND stage = ?2 AND attempt > ?3", attempt));
  STREAM_ASSIGN(const bool later, query.step());
  if (!later) return {};
  return failed("attempt " + std::to_string(query.integer(0)) + " of this run writes to '" + database_.path() +
                "': this is attempt " + std::to_string(attempt) + ", and no longer wanted");
}

Result<bool> CommitLog::contains(Committable committable) {
  STREAM_ASSIGN(Statement query,
                prepare("SELECT 1 FROM _stream_commits WHERE run = ?1 AND stage = ?2 AND epoch = ?3 AND instance = ?4",
                        number(committable.epoch)));
  query.bind(4, std::int64_t{committable.origin});
  return query.step();
}

Status CommitLog::add(Committable committable, const std::vector<RowRange>& inserted, std::int64_t oldest_changed) {
  STREAM_ASSIGN(Statement commit,
                prepare("INSERT INTO _stream_commits VALUES (?1, ?2, ?3, ?4)", number(committable.epoch)));
  STREAM_TRY(commit.bind(4, std::int64_t{committable.origin}).run());
  STREAM_ASSIGN(Statement range,
                prepare("INSERT INTO _stream_rows VALUES (?1, ?2, ?3, ?4, ?5)", number(committable.epoch)));
  for (const RowRange& rows : inserted) STREAM_TRY(range.bind(4, rows.first).bind(5, rows.last).run());
  if (oldest_changed != INT64_MAX) {
    STREAM_ASSIGN(Statement change,
                  prepare("INSERT INTO _stream_changes VALUES (?1, ?2, ?3, ?4)", number(committable.epoch)));
    STREAM_TRY(change.bind(4, oldest_changed).run());
  }
  return committable.epoch.value() % kForgetEvery == 0 ? forget_old(committable.epoch) : Status();
}

Status CommitLog::forget_old(Epoch newest) {
  if (newest.value() <= kEpochsKept) return {};
  const std::int64_t through = number(newest) - static_cast<std::int64_t>(kEpochsKept);
  STREAM_TRY(run("DELETE FROM _stream_commits WHERE run = ?1 AND stage = ?2 AND epoch <= ?3", through));
  STREAM_TRY(run("DELETE FROM _stream_rows WHERE run = ?1 AND stage = ?2 AND epoch <= ?3", through));
  STREAM_TRY(run("DELETE FROM _stream_changes WHERE run = ?1 AND stage = ?2 AND epoch <= ?3", through));
  return run("UPDATE _stream_sinks SET forgotten = max(forgotten, ?3) WHERE run = ?1 AND stage = ?2", through);
}

// Row ids rise: what was inserted since lies behind what was there.
Result<bool> CommitLog::changed_since(Epoch epoch) {
  STREAM_ASSIGN(
      Statement query,
      prepare("SELECT (SELECT min(oldest_row) FROM _stream_changes WHERE run = ?1 AND stage = ?2 AND epoch > ?3)"
              " < ifnull((SELECT min(first_row) FROM _stream_rows WHERE run = ?1 AND stage = ?2 AND epoch > ?3),"
              " 9223372036854775807)",
              number(epoch)));
  STREAM_ASSIGN(const bool row, query.step());
  return row && query.integer(0) != 0;
}

Result<std::vector<RowRange>> CommitLog::take_after(Epoch epoch) {
  {
    STREAM_ASSIGN(
        Statement query,
        prepare("SELECT 1 FROM _stream_sinks WHERE run = ?1 AND stage = ?2 AND forgotten > ?3", number(epoch)));
    STREAM_ASSIGN(const bool forgotten, query.step());
    if (forgotten) {
      return failed("unable to take back the rows written to '" + database_.path() + "' since checkpoint " +
                    std::to_string(epoch.value()) + ": only the newest 1,000 epochs are remembered");
    }
  }
  STREAM_ASSIGN(Statement query, prepare("SELECT first_row, last_row FROM _stream_rows "
                                         "WHERE run = ?1 AND stage = ?2 AND epoch > ?3",
                                         number(epoch)));
  std::vector<RowRange> ranges;
  for (;;) {
    STREAM_ASSIGN(const bool row, query.step());
    if (!row) break;
    ranges.push_back({query.integer(0), query.integer(1)});
  }
  STREAM_TRY(run("DELETE FROM _stream_rows WHERE run = ?1 AND stage = ?2 AND epoch > ?3", number(epoch)));
  STREAM_TRY(run("DELETE FROM _stream_changes WHERE run = ?1 AND stage = ?2 AND epoch > ?3", number(epoch)));
  STREAM_TRY(run("DELETE FROM _stream_commits WHERE run = ?1 AND stage = ?2 AND epoch > ?3", number(epoch)));
  return ranges;
}

}  // namespace stream
