// The history of a job's metrics in JOB/metrics.sqlite: written by its supervisor, read by whoever looks, at any time.
//
// Nothing depends on it: it is not synced, and one that is damaged is begun anew.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "supervisor/history_points.h"
#include "transport/base/status.h"

struct sqlite3;

namespace stream {

// Of a job in this folder.
inline std::string history_file(const std::string& folder) { return folder + "/metrics.sqlite"; }

struct HistoryWish {
  std::vector<std::string> metrics;
  std::optional<std::string> vertex = {};    // "" = the job; none = the job and each stage
  bool subtasks = false;                     // all instances of the stage, in place of the whole of it
  std::optional<std::int32_t> subtask = {};  // one of them
  std::int64_t from_ms = 0;
  std::int64_t to_ms = 0;
  std::size_t points = 300;  // of a series, at most

  bool wants(const HistoryColumn& column) const;
};

struct HistorySeries {
  HistoryColumn column;
  std::vector<std::pair<std::int64_t, double>> points;  // ms, value
};

class HistoryStore {
 public:
  // To write. One that is damaged is removed first. Errors: kSystem, kCorrupt.
  static Result<std::unique_ptr<HistoryStore>> open(const std::string& path);
  // To read. Errors: kNotFound where there is none, kSystem.
  static Result<std::unique_ptr<HistoryStore>> look(const std::string& path);
  ~HistoryStore();

  // In one transaction; what is older than its level keeps goes.
  Status write(const std::vector<HistoryPoint>& points, std::int64_t now_ms);
  // What there is, sorted.
  Result<std::vector<HistoryColumn>> columns();
  // Sorted by column; those without a point in that time are not there. From the coarsest level that is fine enough and
  // reaches back so far; what is newer than its last point comes from finer ones.
  Result<std::vector<HistorySeries>> read(const HistoryWish& wish);

 private:
  explicit HistoryStore(sqlite3* db) : db_(db) {}
  Status prepare();
  Status put(const HistoryPoint& point);
  Result<std::int64_t> layout_of(const std::vector<HistoryColumn>& columns);
  Result<std::map<std::int64_t, std::vector<HistoryColumn>>> layouts();

  sqlite3* db_;
  std::array<std::pair<std::vector<HistoryColumn>, std::int64_t>, kHistoryLevels.size()> known_ = {};  // newest layouts
};

// The coarsest level that has so many points between two times and reaches back to the first; else the finest that
// reaches back, or the last.
std::size_t level_for(std::int64_t from_ms, std::int64_t to_ms, std::size_t points, std::int64_t now_ms);

}  // namespace stream
