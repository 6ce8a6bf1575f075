// What metrics were: see supervisor/history_store.h.
#include <algorithm>
#include <cmath>

#include "supervisor/http/dispatch.h"
#include "supervisor/http/facts.h"
#include "supervisor/http/handlers.h"
#include "transport/base/text.h"

namespace stream::http {
namespace {

constexpr std::int64_t kPoints = 300;
constexpr std::int64_t kPointsMax = 10'000;
constexpr std::size_t kNumbersMax = 200'000;  // of an answer
constexpr std::int64_t kSpan = 900'000;       // ms, without 'from'

Json named(const HistoryColumn& column) {
  return {{"metric", column.metric},
          {"vertex", column.vertex.empty() ? Json() : Json(column.vertex)},
          {"subtask", column.subtask < 0 ? Json() : Json(column.subtask)}};
}

Result<std::int64_t> number_in(const Call& call, const char* name, std::int64_t otherwise, std::int64_t least,
                               std::int64_t most) {
  if (!call.query.contains(name)) return otherwise;
  const auto number = parse_integer(call.value(name));
  if (number.ok() && *number >= least && *number <= most) return *number;
  return usage_error("'" + std::string(name) + "' is to be a whole number from " + std::to_string(least) + " to " +
                     std::to_string(most));
}

// By its name or its id, also one that the job had before.
Result<std::string> vertex_of(Call& call, const std::vector<HistoryColumn>& columns) {
  const std::string wanted = call.value("vertex");
  STREAM_ASSIGN(const SharedPlan plan, call.jobs.plan(call.job.name));
  std::vector<std::string> names;
  for (const StageSpec& stage : plan->pipeline.stages) {
    if (stage.name == wanted || vertex_id(stage.name) == wanted) return stage.name;
    names.push_back(stage.name);
  }
  for (const HistoryColumn& column : columns) {
    if (column.vertex.empty()) continue;
    if (column.vertex == wanted || vertex_id(column.vertex) == wanted) return column.vertex;
    if (std::ranges::find(names, column.vertex) == names.end()) names.push_back(column.vertex);
  }
  return Status(Code::kNotFound, "nothing is kept of a vertex '" + wanted + "' of job '" + call.job.name + "'" +
                                     did_you_mean(wanted, names));
}

Status take_subtask(const Call& call, HistoryWish& wish) {
  if (!call.query.contains("subtask")) return {};
  if (!wish.vertex) return usage_error("'subtask' needs 'vertex', the stage that it is of");
  if (call.value("subtask") == "all") {
    wish.subtasks = true;
    return {};
  }
  STREAM_ASSIGN(const std::int64_t number, number_in(call, "subtask", 0, 0, 65'535));
  wish.subtask = static_cast<std::int32_t>(number);
  return {};
}

Result<HistoryWish> wish_of(Call& call, const std::vector<HistoryColumn>& columns) {
  constexpr std::int64_t kEver = 253'402'300'799'000;  // ms; the end of the year 9999
  HistoryWish wish;
  wish.metrics = split(call.value("metric"), ',');
  std::erase(wish.metrics, "");
  std::vector<std::string> known;
  for (const HistoryColumn& column : columns) known.push_back(column.metric);
  for (const std::string& metric : wish.metrics) {
    if (!is_common(metric) && std::ranges::find(known, metric) == known.end())
      return Status(Code::kNotFound, "nothing is kept of a metric '" + metric + "' of job '" + call.job.name + "'" +
                                         did_you_mean(metric, known) + "; without 'metric' all are listed");
  }
  if (call.query.contains("vertex")) { STREAM_ASSIGN(wish.vertex, vertex_of(call, columns)); }
  STREAM_TRY(take_subtask(call, wish));
  STREAM_ASSIGN(wish.to_ms, number_in(call, "to", call.site.now_ms + 1, 0, kEver));
  STREAM_ASSIGN(wish.from_ms, number_in(call, "from", std::max<std::int64_t>(0, wish.to_ms - kSpan), 0, kEver));
  if (wish.from_ms >= wish.to_ms) return usage_error("'from' is to be before 'to'");
  STREAM_ASSIGN(const std::int64_t points, number_in(call, "points", kPoints, 1, kPointsMax));
  wish.points = static_cast<std::size_t>(points);
  const auto series = std::ranges::count_if(columns, [&](const auto& column) { return wish.wants(column); });
  if (static_cast<std::size_t>(series) * wish.points > kNumbersMax)
    return usage_error("these are " + std::to_string(series) + " series of up to " + std::to_string(points) +
                       " points; ask for less than " + std::to_string(kNumbersMax) + " numbers at once");
  return wish;
}

// Seven digits are what is kept.
double rounded(double value) {
  if (value == 0 || !std::isfinite(value)) return 0;
  const double unit = std::pow(10.0, 6 - std::floor(std::log10(std::abs(value))));
  return std::round(value * unit) / unit;
}

}  // namespace

Answer get_job_history(Call& call) {
  STREAM_HTTP_ASSIGN(const std::vector<HistoryColumn> columns, call.jobs.history_columns(call.job.name));
  Json series = Json::array();
  if (!call.query.contains("metric")) {
    for (const HistoryColumn& column : columns) series.push_back(named(column));
    return answer_with({{"series", std::move(series)}});
  }
  STREAM_HTTP_ASSIGN(const HistoryWish wish, wish_of(call, columns));
  STREAM_HTTP_ASSIGN(const auto found, call.jobs.history(call.job.name, wish));
  for (const HistorySeries& one : found) {
    Json out = named(one.column);
    out["points"] = Json::array();
    for (const auto& [at_ms, value] : one.points) out["points"].push_back({at_ms, rounded(value)});
    series.push_back(std::move(out));
  }
  return answer_with({{"series", std::move(series)}});
}

}  // namespace stream::http
