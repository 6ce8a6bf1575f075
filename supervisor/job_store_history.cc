// What a job store keeps of checkpoints and attempts, of all runs.
#include <sqlite3.h>

#include <algorithm>
#include <numeric>

#include "supervisor/job_store.h"
#include "supervisor/sqlite_query.h"

namespace stream {
namespace {

class Query : public SqliteQuery {
 public:
  Query(sqlite3* db, const char* sql) : SqliteQuery(db, sql, "job store") {}
};

// With the run that took each.
#define STREAM_CHECKPOINT_COLUMNS                                                           \
  "SELECT epoch, status, triggered_us, ended_us, bytes, detail, coalesce((SELECT run FROM " \
  "checkpoint_runs WHERE first_epoch <= epoch ORDER BY first_epoch DESC LIMIT 1), '') FROM checkpoints "

Result<std::vector<CheckpointRecord>> checkpoints_of(Query& query, std::size_t most) {
  query.put(static_cast<std::int64_t>(most));
  std::vector<CheckpointRecord> out;
  while (query.row()) {
    out.push_back({static_cast<std::uint64_t>(query.integer(0)), query.text(1), query.integer(2), query.integer(3),
                   static_cast<std::uint64_t>(query.integer(4)), query.text(5), query.text(6)});
  }
  STREAM_TRY(query.status());
  return out;
}

}  // namespace

Status JobStore::record_checkpoint(const CheckpointRecord& r) {
  return Query(db_, "INSERT OR REPLACE INTO checkpoints VALUES (?, ?, ?, ?, ?, ?)")
      .put(static_cast<std::int64_t>(r.epoch))
      .put(r.status)
      .put(r.triggered_us)
      .put(r.ended_us)
      .put(static_cast<std::int64_t>(r.bytes))
      .put(r.detail)
      .run();
}

Result<std::vector<CheckpointRecord>> JobStore::checkpoints(std::size_t most) {
  Query query(db_, STREAM_CHECKPOINT_COLUMNS
              "WHERE epoch >= coalesce((SELECT max(first_epoch) FROM checkpoint_runs), 0) ORDER BY epoch DESC LIMIT ?");
  return checkpoints_of(query, most);
}

Result<std::vector<CheckpointRecord>> JobStore::checkpoint_history(std::size_t most) {
  Query query(db_, STREAM_CHECKPOINT_COLUMNS "ORDER BY epoch DESC LIMIT ?");
  return checkpoints_of(query, most);
}

// Epochs are used once: those of the run are all behind those there are.
Status JobStore::leave_checkpoints(const std::string& run) {
  return Query(db_, "INSERT OR REPLACE INTO checkpoint_runs VALUES (?, ?)")
      .put(static_cast<std::int64_t>(next_epoch_))
      .put(run)
      .run();
}

Result<CheckpointCounts> JobStore::checkpoint_counts() {
  Query query(db_,
              "WITH counted AS (SELECT what, number FROM forgotten UNION ALL SELECT CASE status WHEN 'aborted' THEN "
              "'failed' ELSE 'completed' END, 1 FROM checkpoints UNION ALL SELECT 'restored', 1 FROM attempts WHERE "
              "restored <> 0) SELECT coalesce(sum(number) FILTER (WHERE what = 'completed'), 0), coalesce(sum(number) "
              "FILTER (WHERE what = 'failed'), 0), coalesce(sum(number) FILTER (WHERE what = 'restored'), 0) FROM "
              "counted");
  CheckpointCounts counts;
  if (query.row()) {
    counts = {static_cast<std::uint64_t>(query.integer(0)), static_cast<std::uint64_t>(query.integer(1)),
              static_cast<std::uint64_t>(query.integer(2))};
  }
  STREAM_TRY(query.status());
  return counts;
}

namespace {

void settle(CheckpointSpread& spread) {
  std::ranges::sort(spread.values);
  if (spread.values.empty()) return;
  spread.number = spread.values.size();
  spread.least = static_cast<std::int64_t>(spread.values.front());
  spread.most = static_cast<std::int64_t>(spread.values.back());
  spread.sum = std::accumulate(spread.values.begin(), spread.values.end(), 0.0);
}

void add(CheckpointSpread& spread, std::uint64_t number, std::int64_t least, std::int64_t most, double sum) {
  spread.least = spread.number == 0 ? least : std::min(spread.least, least);
  spread.most = spread.number == 0 ? most : std::max(spread.most, most);
  spread.number += number;
  spread.sum += sum;
}

}  // namespace

Status JobStore::add_forgotten(CheckpointSpreads& spreads) {
  Query query(db_, "SELECT what, number, least, most, sum FROM forgotten_spreads");
  while (query.row()) {
    add(query.text(0) == "bytes" ? spreads.bytes : spreads.duration_us, static_cast<std::uint64_t>(query.integer(1)),
        query.integer(2), query.integer(3), query.real(4));
  }
  return query.status();
}

Result<CheckpointSpreads> JobStore::checkpoint_spreads() {
  Query query(db_, "SELECT bytes, ended_us - triggered_us FROM checkpoints WHERE status <> 'aborted'");
  CheckpointSpreads spreads;
  while (query.row()) {
    spreads.bytes.values.push_back(static_cast<double>(query.integer(0)));
    spreads.duration_us.values.push_back(static_cast<double>(query.integer(1)));
  }
  STREAM_TRY(query.status());
  settle(spreads.bytes);
  settle(spreads.duration_us);
  STREAM_TRY(add_forgotten(spreads));
  return spreads;
}

Status JobStore::begin_attempt(const AttemptRecord& r) {
  STREAM_TRY(
      Query(db_, "UPDATE attempts SET ended_us = ?, outcome = 'lost' WHERE ended_us = 0").put(r.started_us).run());
  return record_attempt(r);
}

Status JobStore::record_attempt(const AttemptRecord& r) {
  return Query(db_,
               "INSERT INTO attempts VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (attempt) DO UPDATE SET "
               "running_us = ?4, ended_us = ?5, outcome = ?6, instances = ?9")
      .put(static_cast<std::int64_t>(r.attempt))
      .put(r.run)
      .put(r.started_us)
      .put(r.running_us)
      .put(r.ended_us)
      .put(r.outcome)
      .put(static_cast<std::int64_t>(r.restored))
      .put(r.savepoint)
      .put(r.instances)
      .run();
}

Result<std::vector<AttemptRecord>> JobStore::attempts(std::size_t most) {
  Query query(db_,
              "SELECT attempt, run, started_us, running_us, ended_us, outcome, restored, savepoint, instances FROM "
              "attempts ORDER BY attempt DESC LIMIT ?");
  query.put(static_cast<std::int64_t>(most));
  std::vector<AttemptRecord> out;
  while (query.row()) {
    out.push_back({static_cast<std::uint64_t>(query.integer(0)), query.text(1), query.integer(2), query.integer(3),
                   query.integer(4), query.text(5), static_cast<std::uint64_t>(query.integer(6)), query.text(7),
                   query.text(8)});
  }
  STREAM_TRY(query.status());
  return out;
}

}  // namespace stream
