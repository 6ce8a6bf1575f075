#include "supervisor/job_store.h"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "supervisor/sqlite_query.h"

namespace stream {
namespace {

using nlohmann::json;

constexpr std::uint64_t kReserveBlock = 64;  // epochs a durable write makes usable

constexpr std::int64_t kVersion = 1;  // PRAGMA user_version
constexpr const char* kDdl = R"(
CREATE TABLE IF NOT EXISTS job (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  id TEXT NOT NULL, run TEXT NOT NULL, state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 4),
  attempt INTEGER NOT NULL, manifest TEXT NOT NULL, plan TEXT NOT NULL, savepoint TEXT NOT NULL,
  submitted_us INTEGER NOT NULL, ended_us INTEGER NOT NULL, reason TEXT NOT NULL, history TEXT NOT NULL,
  rewind_after INTEGER NOT NULL, must_rewind INTEGER NOT NULL CHECK (must_rewind IN (0, 1))) STRICT;
CREATE TABLE IF NOT EXISTS epochs (one INTEGER PRIMARY KEY CHECK (one = 1), reserved INTEGER NOT NULL) STRICT;
INSERT OR IGNORE INTO epochs VALUES (1, 1);
CREATE TABLE IF NOT EXISTS checkpoints (
  epoch INTEGER PRIMARY KEY CHECK (epoch > 0), status TEXT NOT NULL, triggered_us INTEGER NOT NULL,
  ended_us INTEGER NOT NULL, bytes INTEGER NOT NULL, detail TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS savepoints (
  path TEXT PRIMARY KEY, epoch INTEGER NOT NULL, label TEXT NOT NULL, created_us INTEGER NOT NULL,
  drained INTEGER NOT NULL CHECK (drained IN (0, 1))) STRICT;
CREATE TABLE IF NOT EXISTS runs (
  run TEXT PRIMARY KEY, output_run TEXT NOT NULL, parent TEXT NOT NULL, base INTEGER NOT NULL,
  going_back INTEGER NOT NULL CHECK (going_back IN (0, 1)), claimed TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS taken_back (
  run TEXT NOT NULL, after_epoch INTEGER NOT NULL, before_epoch INTEGER NOT NULL,
  PRIMARY KEY (run, after_epoch, before_epoch)) STRICT;
CREATE TABLE IF NOT EXISTS upgrade (
  one INTEGER PRIMARY KEY CHECK (one = 1), after_epoch INTEGER NOT NULL, manifest TEXT NOT NULL,
  plan TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS accepted_drain (epoch INTEGER PRIMARY KEY) STRICT;
CREATE TABLE IF NOT EXISTS savepoint_facts (
  path TEXT PRIMARY KEY, note TEXT NOT NULL, bytes INTEGER NOT NULL, written_by TEXT NOT NULL,
  building INTEGER NOT NULL CHECK (building IN (0, 1))) STRICT;
CREATE TABLE IF NOT EXISTS savepoint_schedule (  -- of an earlier version
  one INTEGER PRIMARY KEY CHECK (one = 1), every_us INTEGER NOT NULL, keep INTEGER NOT NULL,
  keep_for_us INTEGER NOT NULL, next_us INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS savepoint_rules (
  one INTEGER PRIMARY KEY CHECK (one = 1), rules TEXT NOT NULL, manifest TEXT NOT NULL, next_us INTEGER NOT NULL) STRICT;
INSERT OR IGNORE INTO savepoint_rules SELECT 1, json_object('every_us', every_us, 'keep', keep, 'keep_for_us', keep_for_us),
  '{}', next_us FROM savepoint_schedule;
DELETE FROM savepoint_schedule WHERE one = 1;  -- without a condition the file would be written each time
CREATE TABLE IF NOT EXISTS elastic (one INTEGER PRIMARY KEY CHECK (one = 1), memory TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS checkpoint_runs (first_epoch INTEGER PRIMARY KEY, run TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS attempts (
  attempt INTEGER PRIMARY KEY, run TEXT NOT NULL, started_us INTEGER NOT NULL, running_us INTEGER NOT NULL,
  ended_us INTEGER NOT NULL, outcome TEXT NOT NULL, restored INTEGER NOT NULL, savepoint TEXT NOT NULL,
  instances TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS forgotten (  -- how many of each are kept no more
  what TEXT PRIMARY KEY, number INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS forgotten_spreads (  -- of completed checkpoints that are kept no more
  what TEXT PRIMARY KEY, number INTEGER NOT NULL, least INTEGER NOT NULL, most INTEGER NOT NULL, sum REAL NOT NULL) STRICT;
-- Read as a whole for the spreads, without the details beside them.
CREATE INDEX IF NOT EXISTS checkpoint_spreads ON checkpoints (status, bytes, triggered_us, ended_us);
CREATE TABLE IF NOT EXISTS events (
  id INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL) STRICT;
)";

struct Bounded {
  std::string table;
  std::string key;
  std::int64_t kept = kHistoryKept;
  std::string counted = {};  // an expression: by this those that go are counted; "" = they are not
  std::vector<std::pair<std::string, std::string>> spread = {};  // name and expression: what of those is summed up
  std::string spread_of = {};                                    // a condition: of these alone
};

// Triggers of this connection only: they delete in the transaction of the insert, so that the bound costs no
// second write to the disk.
std::string bound(const Bounded& b) {
  const std::string old = " FROM " + b.table + " WHERE " + b.key + " <= NEW." + b.key + " - " + std::to_string(b.kept);
  const std::string count = "INSERT INTO forgotten SELECT " + b.counted + " AS what, count(*)" + old +
                            " GROUP BY what ON CONFLICT (what) DO UPDATE SET number = number + excluded.number; ";
  std::string spreads;
  for (const auto& [name, value] : b.spread) {
    spreads += "INSERT INTO forgotten_spreads SELECT '" + name + "' AS what, count(*), min(" + value + "), max(" +
               value + "), total(" + value + ")" + old + " AND " + b.spread_of +
               " GROUP BY what ON CONFLICT (what) DO UPDATE SET number = number + excluded.number, "
               "least = min(least, excluded.least), most = max(most, excluded.most), sum = sum + excluded.sum; ";
  }
  return "CREATE TEMP TRIGGER bound_" + b.table + " AFTER INSERT ON main." + b.table + " BEGIN " +
         (b.counted.empty() ? "" : count) + spreads + "DELETE" + old + "; END";
}

constexpr const char* kFailedOrNot = "CASE status WHEN 'aborted' THEN 'failed' ELSE 'completed' END";
constexpr const char* kRestoredOrNot = "CASE restored WHEN 0 THEN 'began' ELSE 'restored' END";

constexpr std::string_view kFile = "job store";

Status store_error(sqlite3* db, int code) { return sqlite_error(db, code, kFile); }

class Query : public SqliteQuery {
 public:
  Query(sqlite3* db, const char* sql) : SqliteQuery(db, sql, kFile) {}
};

std::string history_to_json(const RestartHistory& history) {
  return json{{"failures_in_row", history.failures_in_row}, {"failed_at", history.failed_at}}.dump();
}

RestartHistory history_from_json(const std::string& text) {
  const json in = json::parse(text, nullptr, false);
  RestartHistory history;
  if (!in.is_object()) return history;
  history.failures_in_row = in.value("failures_in_row", 0U);
  history.failed_at = in.value("failed_at", std::vector<Microseconds>());
  return history;
}

}  // namespace

std::string_view to_string(JobState state) {
  constexpr std::array<std::string_view, 5> kNames = {"RUNNING", "STOPPED", "FINISHED", "CANCELLED", "FAILED"};
  return kNames[static_cast<std::size_t>(state)];
}

Result<std::unique_ptr<JobStore>> JobStore::open(const std::string& path) {
  sqlite3* db = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
  std::unique_ptr<JobStore> store(new JobStore(db));
  if (code != SQLITE_OK) return store_error(db, code);
  sqlite3_busy_timeout(db, 5000);
  STREAM_TRY(store->migrate());
  return store;
}

JobStore::~JobStore() { sqlite3_close(db_); }

Result<std::int64_t> JobStore::version() {
  Query version(db_, "PRAGMA user_version");
  if (!version.row()) return version.status().ok() ? corrupt("job store: no version") : version.status();
  return version.integer(0);
}

Status JobStore::migrate() {
  STREAM_ASSIGN(const std::int64_t before, version());
  if (before > kVersion) {
    return usage_error("'" + std::string(sqlite3_db_filename(db_, "main")) + "' has format version " +
                       std::to_string(before) + ", and stream " + STREAM_VERSION + " reads up to " +
                       std::to_string(kVersion) + "; use stream of the version that wrote it or later");
  }
  for (const std::string& sql : {std::string("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL"),
                                 std::string("PRAGMA temp_store = MEMORY"), std::string(kDdl), bound({"events", "id"}),
                                 bound({"checkpoints",
                                        "epoch",
                                        kHistoryKept,
                                        kFailedOrNot,
                                        {{"bytes", "bytes"}, {"duration_us", "ended_us - triggered_us"}},
                                        "status <> 'aborted'"}),
                                 bound({"attempts", "attempt", kAttemptsKept, kRestoredOrNot})}) {
    if (const int code = sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr); code != SQLITE_OK)
      return store_error(db_, code);
  }
  // Whoever only looks writes nothing: those who watch the file see when it changes.
  if (before != kVersion) STREAM_TRY(Query(db_, ("PRAGMA user_version = " + std::to_string(kVersion)).c_str()).run());
  return read_epochs();
}

Status JobStore::read_epochs() {
  Query reserved(db_, "SELECT reserved FROM epochs");
  if (!reserved.row()) return reserved.status().ok() ? corrupt("job store: no epochs") : reserved.status();
  next_epoch_ = reserved_ = static_cast<std::uint64_t>(reserved.integer(0));
  return {};
}

Status JobStore::tell(Leadership* leadership) {
  leadership_ = leadership;
  STREAM_TRY(leadership_->reserve(Epoch(reserved_)));
  return told({});
}

// What is written here counts only when it is written there as well.
Status JobStore::told(Status written) {
  if (!written.ok() || leadership_ == nullptr) return written;
  STREAM_ASSIGN(const std::string text, essentials());
  return text.empty() ? Status() : leadership_->keep_job(text);
}

Result<std::optional<JobRecord>> JobStore::load() {
  Query query(db_,
              "SELECT id, run, state, attempt, manifest, plan, savepoint, submitted_us, ended_us, reason, history, "
              "rewind_after, must_rewind FROM job");
  if (!query.row()) {
    STREAM_TRY(query.status());
    return std::optional<JobRecord>();
  }
  JobRecord record;
  record.id = query.text(0);
  record.run = query.text(1);
  record.state = static_cast<JobState>(query.integer(2));
  record.attempt = Attempt(static_cast<std::uint32_t>(query.integer(3)));
  record.manifest = query.text(4);
  record.plan = query.text(5);
  record.savepoint = query.text(6);
  record.submitted_us = query.integer(7);
  record.ended_us = query.integer(8);
  record.reason = query.text(9);
  record.history = history_from_json(query.text(10));
  record.rewind_after = static_cast<std::uint64_t>(query.integer(11));
  record.must_rewind = query.integer(12) != 0;
  STREAM_TRY(load_run(record));
  return std::optional<JobRecord>(std::move(record));
}

// A run that an earlier version began is its own.
Status JobStore::load_run(JobRecord& record) {
  record.output_run = record.run;
  Query query(db_, "SELECT output_run, parent, base, going_back, claimed FROM runs WHERE run = ?");
  query.put(record.run);
  if (!query.row()) return query.status();
  record.output_run = query.text(0);
  record.parent = query.text(1);
  record.base = static_cast<std::uint64_t>(query.integer(2));
  record.going_back = query.integer(3) != 0;
  record.claimed = query.text(4);
  return {};
}

Status JobStore::take_back(const std::string& run, Epoch epoch) {
  return told(Query(db_, "INSERT OR IGNORE INTO taken_back VALUES (?, ?, ?)")
                  .put(run)
                  .put(static_cast<std::int64_t>(epoch.value()))
                  .put(static_cast<std::int64_t>(next_epoch_))
                  .run());
}

Result<bool> JobStore::taken_back(const std::string& run, Epoch epoch) {
  Query query(db_, "SELECT 1 FROM taken_back WHERE run = ?1 AND after_epoch < ?2 AND ?2 < before_epoch");
  query.put(run).put(static_cast<std::int64_t>(epoch.value()));
  const bool found = query.row();
  STREAM_TRY(query.status());
  return found;
}

Result<bool> JobStore::descends(const std::string& of, const std::string& run, Epoch epoch) {
  STREAM_ASSIGN(const bool gone, taken_back(run, epoch));
  if (gone) return false;
  std::uint64_t known = UINT64_MAX;  // the newest epoch of `at` that counts
  for (std::string at = of; !at.empty();) {
    if (at == run) return epoch.value() <= known;
    Query query(db_, "SELECT parent, base FROM runs WHERE run = ?");
    query.put(at);
    if (!query.row()) {
      STREAM_TRY(query.status());
      return false;
    }
    at = query.text(0);
    known = std::min(known, static_cast<std::uint64_t>(query.integer(1)));
  }
  return false;
}

Status JobStore::save(const JobRecord& record) {
  // Before the job names it.
  STREAM_TRY(Query(db_,
                   "INSERT INTO runs VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (run) DO UPDATE "
                   "SET going_back = ?5, claimed = ?6 WHERE going_back <> ?5 OR claimed <> ?6")
                 .put(record.run)
                 .put(record.output_run.empty() ? record.run : record.output_run)
                 .put(record.parent)
                 .put(static_cast<std::int64_t>(record.base))
                 .put(static_cast<std::int64_t>(record.going_back ? 1 : 0))
                 .put(record.claimed)
                 .run());
  return told(Query(db_, "INSERT OR REPLACE INTO job VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
                  .put(record.id)
                  .put(record.run)
                  .put(static_cast<std::int64_t>(record.state))
                  .put(static_cast<std::int64_t>(record.attempt.value()))
                  .put(record.manifest)
                  .put(record.plan)
                  .put(record.savepoint)
                  .put(record.submitted_us)
                  .put(record.ended_us)
                  .put(record.reason)
                  .put(history_to_json(record.history))
                  .put(static_cast<std::int64_t>(record.rewind_after))
                  .put(static_cast<std::int64_t>(record.must_rewind ? 1 : 0))
                  .run());
}

Epoch JobStore::next_epoch() const { return Epoch(next_epoch_); }

Status JobStore::reserve(Epoch epoch) {
  next_epoch_ = std::max(next_epoch_, epoch.value() + 1);
  if (epoch.value() < reserved_) return {};
  const std::uint64_t reserved = epoch.value() + kReserveBlock;
  STREAM_TRY(Query(db_, "UPDATE epochs SET reserved = ?").put(static_cast<std::int64_t>(reserved)).run());
  if (leadership_ != nullptr) STREAM_TRY(leadership_->reserve(Epoch(reserved)));
  reserved_ = reserved;
  return {};
}

Status JobStore::accept_drained(Epoch epoch) {
  return told(Query(db_, "INSERT OR IGNORE INTO accepted_drain VALUES (?)")
                  .put(static_cast<std::int64_t>(epoch.value()))
                  .run());
}

Result<bool> JobStore::accepted_drained(Epoch epoch) {
  Query query(db_, "SELECT 1 FROM accepted_drain WHERE epoch = ?");
  query.put(static_cast<std::int64_t>(epoch.value()));
  const bool found = query.row();
  STREAM_TRY(query.status());
  return found;
}

// Both tables or neither, in case this process dies on the way.
Status JobStore::record_savepoint(const SavepointRecord& r) {
  STREAM_TRY(Query(db_, "BEGIN IMMEDIATE").run());
  Status written = Query(db_, "INSERT OR REPLACE INTO savepoint_facts VALUES (?, ?, ?, ?, ?)")
                       .put(r.path)
                       .put(r.note)
                       .put(static_cast<std::int64_t>(r.bytes))
                       .put(r.written_by)
                       .put(static_cast<std::int64_t>(r.building ? 1 : 0))
                       .run();
  if (written.ok()) {
    written = Query(db_, "INSERT OR REPLACE INTO savepoints VALUES (?, ?, ?, ?, ?)")
                  .put(r.path)
                  .put(static_cast<std::int64_t>(r.epoch))
                  .put(r.label)
                  .put(r.created_us)
                  .put(static_cast<std::int64_t>(r.drained ? 1 : 0))
                  .run();
  }
  if (written.ok()) written = Query(db_, "COMMIT").run();
  if (!written.ok()) (void)Query(db_, "ROLLBACK").run();
  return told(std::move(written));
}

Status JobStore::forget_savepoint(const std::string& path) {
  STREAM_TRY(Query(db_, "DELETE FROM savepoints WHERE path = ?").put(path).run());
  return told(Query(db_, "DELETE FROM savepoint_facts WHERE path = ?").put(path).run());
}

Result<std::vector<SavepointRecord>> JobStore::savepoints_that(bool building) {
  Query query(db_,
              "SELECT epoch, path, label, created_us, drained, note, bytes, written_by FROM savepoints LEFT JOIN "
              "savepoint_facts USING (path) WHERE coalesce(building, 0) = ? ORDER BY created_us, length(path), path");
  query.put(static_cast<std::int64_t>(building ? 1 : 0));
  std::vector<SavepointRecord> out;
  while (query.row()) {
    out.push_back({static_cast<std::uint64_t>(query.integer(0)), query.text(1), query.text(2), query.integer(3),
                   query.integer(4) != 0, query.text(5), static_cast<std::uint64_t>(query.integer(6)), query.text(7),
                   building});
  }
  STREAM_TRY(query.status());
  return out;
}

Result<std::optional<UpgradeRecord>> JobStore::upgrade() {
  Query query(db_, "SELECT after_epoch, manifest, plan FROM upgrade");
  if (!query.row()) {
    STREAM_TRY(query.status());
    return std::optional<UpgradeRecord>();
  }
  return std::optional(
      UpgradeRecord{Epoch(static_cast<std::uint64_t>(query.integer(0))), query.text(1), query.text(2)});
}

Status JobStore::begin_upgrade(const UpgradeRecord& r) {
  return told(Query(db_, "INSERT OR REPLACE INTO upgrade VALUES (1, ?, ?, ?)")
                  .put(static_cast<std::int64_t>(r.after.value()))
                  .put(r.manifest)
                  .put(r.plan)
                  .run());
}

Status JobStore::end_upgrade() { return told(Query(db_, "DELETE FROM upgrade").run()); }

Result<std::vector<SavepointRecord>> JobStore::savepoints() { return savepoints_that(false); }

Result<std::vector<SavepointRecord>> JobStore::unfinished_savepoints() { return savepoints_that(true); }

Result<SavepointSchedule> JobStore::savepoint_schedule() {
  Query query(db_, "SELECT rules, manifest, next_us FROM savepoint_rules");
  SavepointSchedule schedule;
  if (query.row()) {
    const auto rules = [&](int column) { return rules_from_json(json::parse(query.text(column), nullptr, false)); };
    schedule = {rules(0), rules(1), query.integer(2)};
  }
  STREAM_TRY(query.status());
  return schedule;
}

Status JobStore::save_savepoint_schedule(const SavepointSchedule& s) {
  return told(Query(db_, "INSERT OR REPLACE INTO savepoint_rules VALUES (1, ?, ?, ?)")
                  .put(rules_to_json(s.rules).dump())
                  .put(rules_to_json(s.manifest).dump())
                  .put(s.next_us)
                  .run());
}

Result<std::string> JobStore::elastic_memory() {
  Query query(db_, "SELECT memory FROM elastic");
  std::string memory;
  if (query.row()) memory = query.text(0);
  STREAM_TRY(query.status());
  return memory;
}

Status JobStore::save_elastic_memory(const std::string& memory) {
  return told(Query(db_, "INSERT OR REPLACE INTO elastic VALUES (1, ?)").put(memory).run());
}

Status JobStore::record_event(const EventRecord& r) {
  return Query(db_, "INSERT INTO events (at_us, kind, text) VALUES (?, ?, ?)")
      .put(r.at_us)
      .put(r.kind)
      .put(r.text)
      .run();
}

Result<std::vector<EventRecord>> JobStore::events(std::size_t most) {
  Query query(db_, "SELECT at_us, kind, text FROM (SELECT * FROM events ORDER BY id DESC LIMIT ?) ORDER BY id");
  query.put(static_cast<std::int64_t>(most));
  std::vector<EventRecord> out;
  while (query.row()) out.push_back({query.integer(0), query.text(1), query.text(2)});
  STREAM_TRY(query.status());
  return out;
}

}  // namespace stream
