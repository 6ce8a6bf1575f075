#include "supervisor/history_store.h"

#include <sqlite3.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <set>

#include "supervisor/sqlite_query.h"
#include "transport/base/clock.h"

namespace stream {
namespace {

using nlohmann::json;

constexpr const char* kDdl = R"(
PRAGMA journal_mode = WAL;
PRAGMA synchronous = OFF;
PRAGMA journal_size_limit = 1048576;
CREATE TABLE IF NOT EXISTS layouts (id INTEGER PRIMARY KEY, columns TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS points (
  level INTEGER NOT NULL, at_ms INTEGER NOT NULL, layout INTEGER NOT NULL, samples INTEGER NOT NULL,
  numbers BLOB NOT NULL, PRIMARY KEY (level, at_ms, layout)) STRICT, WITHOUT ROWID;
)";

constexpr std::string_view kFile = "history of metrics";

Status history_error(sqlite3* db, int code) { return sqlite_error(db, code, kFile); }

class Query : public SqliteQuery {
 public:
  Query(sqlite3* db, const char* sql) : SqliteQuery(db, sql, kFile) {}
};

std::string text_of(const std::vector<HistoryColumn>& columns) {
  json out = json::array();
  for (const HistoryColumn& column : columns) out.push_back({column.metric, column.vertex, column.subtask});
  return out.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::vector<HistoryColumn> columns_of(const std::string& text) {
  std::vector<HistoryColumn> columns;
  const json in = json::parse(text, nullptr, false);
  if (!in.is_array()) return columns;
  for (const json& one : in) {
    const bool whole =
        one.is_array() && one.size() == 3 && one[0].is_string() && one[1].is_string() && one[2].is_number_integer();
    columns.push_back(whole ? HistoryColumn{one[0], one[1], one[2]} : HistoryColumn{});
  }
  return columns;
}

// The mean of what falls into one of the steps that a series is divided into.
class Buckets {
 public:
  Buckets(const HistoryWish& wish, std::int64_t step_ms)
      : from_(wish.from_ms),
        width_(std::max(
            step_ms,
            (wish.to_ms - wish.from_ms) / std::max<std::int64_t>(1, static_cast<std::int64_t>(wish.points)) + 1)) {}

  void add(const HistoryColumn& column, std::int64_t at_ms, double value, std::int64_t samples) {
    Sum& sum = sums_[column][(at_ms - from_) / width_];
    if (sum.samples == 0) sum.at_ms = at_ms;
    sum.value += value * static_cast<double>(samples);
    sum.samples += samples;
  }

  std::vector<HistorySeries> series() const {
    std::vector<HistorySeries> out;
    for (const auto& [column, sums] : sums_) {
      HistorySeries one{column, {}};
      for (const auto& [number, sum] : sums)
        one.points.emplace_back(sum.at_ms, sum.value / static_cast<double>(sum.samples));
      out.push_back(std::move(one));
    }
    return out;
  }

 private:
  struct Sum {
    std::int64_t at_ms = 0;
    double value = 0;
    std::int64_t samples = 0;
  };
  std::int64_t from_;
  std::int64_t width_;
  std::map<HistoryColumn, std::map<std::int64_t, Sum>> sums_;
};

Result<sqlite3*> open_file(const std::string& path, int flags) {
  sqlite3* db = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &db, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  if (code == SQLITE_OK) {
    sqlite3_busy_timeout(db, 2000);
    return db;
  }
  Status status = history_error(db, code);
  sqlite3_close(db);
  return status;
}

}  // namespace

bool HistoryWish::wants(const HistoryColumn& column) const {
  if (std::ranges::find(metrics, column.metric) == metrics.end()) return false;
  if (vertex && *vertex != column.vertex) return false;
  if (subtask) return column.subtask == *subtask;
  return subtasks ? column.subtask >= 0 : column.subtask < 0;
}

std::size_t level_for(std::int64_t from_ms, std::int64_t to_ms, std::size_t points, std::int64_t now_ms) {
  const std::int64_t wanted = (to_ms - from_ms) / std::max<std::int64_t>(1, static_cast<std::int64_t>(points));
  std::optional<std::size_t> finest;
  std::optional<std::size_t> best;
  for (std::size_t level = 0; level < kHistoryLevels.size(); ++level) {
    // Nearly is enough: who asks for the last quarter of an hour takes a moment to ask.
    const std::int64_t reach = kHistoryLevels[level].kept_ms;
    if (from_ms < now_ms - reach - reach / 50) continue;
    if (!finest) finest = level;
    if (kHistoryLevels[level].step_ms <= wanted) best = level;
  }
  return best ? *best : finest.value_or(kHistoryLevels.size() - 1);
}

HistoryStore::~HistoryStore() { sqlite3_close(db_); }

Result<std::unique_ptr<HistoryStore>> HistoryStore::open(const std::string& path) {
  for (int i = 0;; ++i) {
    auto db = open_file(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    if (!db.ok()) return std::move(db).status();
    std::unique_ptr<HistoryStore> store(new HistoryStore(*db));
    Status ready = store->prepare();
    if (ready.ok()) return store;
    if (ready.code() != Code::kCorrupt || i > 0) return ready;
    store.reset();
    for (const char* suffix : {"", "-wal", "-shm"}) std::remove((path + suffix).c_str());
  }
}

Result<std::unique_ptr<HistoryStore>> HistoryStore::look(const std::string& path) {
  auto db = open_file(path, SQLITE_OPEN_READONLY);
  if (!db.ok()) return Status(Code::kNotFound, "nothing has been kept yet in '" + path + "'");
  std::unique_ptr<HistoryStore> store(new HistoryStore(*db));
  Query made(store->db_, "SELECT 1 FROM sqlite_master WHERE name = 'points'");  // by who is about to write
  const bool found = made.row();
  STREAM_TRY(made.status());
  if (!found) return Status(Code::kNotFound, "nothing has been kept yet in '" + path + "'");
  return store;
}

Status HistoryStore::prepare() {
  const int code = sqlite3_exec(db_, kDdl, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return history_error(db_, code);
  return Query(db_, "SELECT count(*) FROM (SELECT * FROM layouts LIMIT 1)").run();
}

Status HistoryStore::write(const std::vector<HistoryPoint>& points, std::int64_t now_ms) {
  STREAM_TRY(Query(db_, "BEGIN IMMEDIATE").run());
  Status status;
  for (const HistoryPoint& point : points) {
    if (status.ok()) status = put(point);
  }
  for (std::size_t level = 0; level < kHistoryLevels.size() && status.ok(); ++level) {
    status = Query(db_, "DELETE FROM points WHERE level = ? AND at_ms < ?")
                 .put(static_cast<std::int64_t>(level))
                 .put(now_ms - kHistoryLevels[level].kept_ms)
                 .run();
  }
  if (status.ok()) status = Query(db_, "COMMIT").run();
  if (status.ok()) return {};
  (void)Query(db_, "ROLLBACK").run();
  known_ = {};
  return status;
}

// What a supervisor before this one has kept of the same step stays part of it.
Status HistoryStore::put(const HistoryPoint& point) {
  std::pair<std::vector<HistoryColumn>, std::int64_t>& known = known_[point.level];
  if (known.second == 0 || known.first != point.columns) {
    STREAM_ASSIGN(const std::int64_t id, layout_of(point.columns));
    known = {point.columns, id};
  }
  HistoryPoint whole = point;
  Query before(db_, "SELECT samples, numbers FROM points WHERE level = ? AND at_ms = ? AND layout = ?");
  before.put(static_cast<std::int64_t>(point.level)).put(point.at_ms).put(known.second);
  if (before.row()) merge(whole, {.samples = before.integer(0), .columns = {}, .values = before.values(1)});
  STREAM_TRY(before.status());
  return Query(db_, "INSERT OR REPLACE INTO points VALUES (?, ?, ?, ?, ?)")
      .put(static_cast<std::int64_t>(whole.level))
      .put(whole.at_ms)
      .put(known.second)
      .put(whole.samples)
      .put(whole.values)
      .run();
}

Result<std::int64_t> HistoryStore::layout_of(const std::vector<HistoryColumn>& columns) {
  const std::string text = text_of(columns);
  Query find(db_, "SELECT id FROM layouts WHERE columns = ?");
  find.put(text);
  if (find.row()) return find.integer(0);
  STREAM_TRY(find.status());
  STREAM_TRY(Query(db_, "DELETE FROM layouts WHERE id NOT IN (SELECT layout FROM points)").run());
  STREAM_TRY(Query(db_, "INSERT INTO layouts (columns) VALUES (?)").put(text).run());
  return sqlite3_last_insert_rowid(db_);
}

Result<std::map<std::int64_t, std::vector<HistoryColumn>>> HistoryStore::layouts() {
  std::map<std::int64_t, std::vector<HistoryColumn>> out;
  Query query(db_, "SELECT id, columns FROM layouts");
  while (query.row()) out[query.integer(0)] = columns_of(query.text(1));
  STREAM_TRY(query.status());
  return out;
}

Result<std::vector<HistoryColumn>> HistoryStore::columns() {
  STREAM_ASSIGN(const auto all, layouts());
  std::set<HistoryColumn> columns;
  for (const auto& [id, some] : all) columns.insert(some.begin(), some.end());
  return std::vector<HistoryColumn>(columns.begin(), columns.end());
}

Result<std::vector<HistorySeries>> HistoryStore::read(const HistoryWish& wish) {
  STREAM_TRY(Query(db_, "BEGIN").run());  // all from one moment
  STREAM_ASSIGN(const auto all, layouts());
  std::map<std::int64_t, std::vector<std::pair<std::size_t, HistoryColumn>>> wanted;
  for (const auto& [id, columns] : all) {
    for (std::size_t i = 0; i < columns.size(); ++i) {
      if (wish.wants(columns[i])) wanted[id].emplace_back(i, columns[i]);
    }
  }
  std::size_t level = level_for(wish.from_ms, wish.to_ms, wish.points, system_clock().wall_us() / 1000);
  // Of instances the coarse levels have less.
  const bool instances = wish.subtasks || wish.subtask;
  const auto has = [&](std::size_t at) {
    return std::ranges::all_of(wish.metrics, [&](const std::string& metric) {
      return is_kept(at, {metric, "", instances ? 0 : -1});
    });
  };
  while (level > 0 && !has(level)) --level;
  Buckets buckets(wish, kHistoryLevels[level].step_ms);
  std::int64_t from = wish.from_ms;
  for (;; --level) {
    Query query(db_, "SELECT at_ms, layout, samples, numbers FROM points WHERE level = ? AND at_ms >= ? AND at_ms < ?");
    query.put(static_cast<std::int64_t>(level)).put(from).put(wish.to_ms);
    while (query.row()) {
      from = std::max(from, query.integer(0) + kHistoryLevels[level].step_ms);
      const auto places = wanted.find(query.integer(1));
      if (places == wanted.end()) continue;
      const std::vector<float> values = query.values(3);
      for (const auto& [place, column] : places->second) {
        if (place < values.size() && !std::isnan(values[place]))
          buckets.add(column, query.integer(0), static_cast<double>(values[place]), query.integer(2));
      }
    }
    STREAM_TRY(query.status());
    if (level == 0) break;
  }
  STREAM_TRY(Query(db_, "COMMIT").run());
  return buckets.series();
}

}  // namespace stream
