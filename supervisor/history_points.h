// The history of a job's metrics as points of three resolutions, so that its size is fixed however long the job runs:
// every second for 15 minutes, every 10 seconds for a day, every 5 minutes for a year. Pure: the caller brings the
// time.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "supervisor/metrics/snapshot.h"

namespace stream {

struct HistoryLevel {
  std::int64_t step_ms;
  std::int64_t kept_ms;
};
inline constexpr std::array<HistoryLevel, 3> kHistoryLevels = {
    HistoryLevel{1'000, 900'000}, {10'000, 86'400'000}, {300'000, 31'536'000'000}};

// What a number belongs to.
struct HistoryColumn {
  std::string metric;
  std::string vertex = {};    // name of a stage; "" = the job
  std::int32_t subtask = -1;  // -1 = the whole of it

  friend auto operator<=>(const HistoryColumn&, const HistoryColumn&) = default;
};

// One moment, or the mean over one step. NaN: there was no number.
struct HistoryPoint {
  std::size_t level = 0;
  std::int64_t at_ms = 0;  // where its step begins
  std::int64_t samples = 1;
  std::vector<HistoryColumn> columns;
  std::vector<float> values;
};

// The mean of both, by their samples. They are of one step and have the same columns.
void merge(HistoryPoint& into, const HistoryPoint& other);

// The numbers of a snapshot that are kept, in an order that stays while the instances are the same. Bounded: of what
// the user's own code counts, the first names of each stage.
class HistoryColumns {
 public:
  static constexpr std::size_t kUserNames = 32;  // of a stage

  HistoryPoint point_of(const metrics::MetricsSnapshot& snapshot);

 private:
  std::map<HistoryColumn, std::size_t> places_;
  std::vector<HistoryColumn> columns_;
  std::vector<std::pair<std::string, std::int32_t>> instances_;
  std::map<std::string, std::map<std::string, bool>> users_;  // of a stage
};

// Which numbers of an instance, a stage, the job a level has: of instances only some for a day, and none for a year.
bool is_kept(std::size_t level, const HistoryColumn& column);

// A number that every job has, or every stage, sooner or later: unlike what the user's own code counts.
bool is_common(std::string_view metric);

// Makes the points of all levels from those of each second.
class HistorySteps {
 public:
  void add(HistoryPoint second);
  // Those that are over; with `all` also those that are not.
  std::vector<HistoryPoint> take(bool all);

 private:
  void add_to(std::size_t level, HistoryPoint point);

  std::array<std::optional<HistoryPoint>, kHistoryLevels.size()> open_;
  std::vector<HistoryPoint> over_;
};

}  // namespace stream
