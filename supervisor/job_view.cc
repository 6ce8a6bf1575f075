#include "supervisor/job_view.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>

#include "supervisor/job_autoscale.h"
#include "supervisor/job_lists.h"
#include "supervisor/job_metrics.h"
#include "supervisor/metrics/snapshot.h"
#include "transport/base/text.h"

namespace stream {
namespace {

using nlohmann::json;

std::string state_of(const JobRunner& runner) {
  return runner.phase() == Phase::kOver ? std::string(to_string(runner.record().state))
                                        : std::string(to_string(runner.phase()));
}

// Of all instances, since the newest attempt began.
std::uint64_t sum(const JobRunner& runner, std::uint64_t InstanceStats::*counter) {
  std::uint64_t sum = 0;
  if (runner.attempt() == nullptr) return sum;
  for (const InstanceState& state : runner.attempt()->instances()) sum += state.stats.*counter;
  return sum;
}

// How many instances each has; null where there is one host.
json hosts(const JobRunner& runner) {
  json out;
  if (runner.attempt() == nullptr) return out;
  for (const InstanceState& state : runner.attempt()->instances()) {
    if (!state.host.empty()) out[state.host] = (out.contains(state.host) ? out[state.host].get<int>() : 0) + 1;
  }
  return out;
}

json summary(const JobRunner& runner) {
  json out = {{"job", runner.paths().job},
              {"id", runner.record().id},
              {"run", runner.record().run},
              {"state", state_of(runner)},
              {"supervisor_pid", ::getpid()},
              {"attempt", runner.record().attempt.value()},
              {"restarts", runner.restarts()},
              {"started_us", runner.started_us()},
              {"submitted_us", runner.record().submitted_us},
              {"checkpoint", runner.last_complete().value()},
              {"bad_records", sum(runner, &InstanceStats::bad_records)},
              {"late_records", sum(runner, &InstanceStats::late_records)},
              {"reason", runner.record().reason},
              {"stages", stages_to_json(runner.plan())},
              {"continued_from", runner.continued_from()}};
  if (json scaling = runner.autoscale().view(); !scaling.is_null()) out["autoscale"] = std::move(scaling);
  if (json placed = hosts(runner); !placed.is_null()) out["hosts"] = std::move(placed);
  return out;
}

double rate(std::uint64_t now, std::uint64_t before, Microseconds elapsed) {
  if (elapsed <= 0 || now < before) return 0;
  return static_cast<double>(now - before) * 1e6 / static_cast<double>(elapsed);
}

double share(Microseconds now, Microseconds before, Microseconds total_now, Microseconds total_before) {
  const Microseconds total = total_now - total_before;
  return total <= 0 ? 0 : std::clamp(static_cast<double>(now - before) / static_cast<double>(total), 0.0, 1.0);
}

Microseconds microseconds(double ms) { return static_cast<Microseconds>(ms * 1000); }

json latency_json(const metrics::HistogramValue& ms) {
  return {{"p50_us", microseconds(ms.quantiles[0])},
          {"p95_us", microseconds(ms.quantiles[2])},
          {"p99_us", microseconds(ms.quantiles[4])},
          {"max_us", microseconds(ms.max)},
          {"marks", ms.count}};
}

// Of each stage that marks have come to, of all its instances together.
json latencies(const JobRunner& runner) {
  std::map<std::size_t, std::pair<std::vector<double>, std::uint64_t>> stages;
  for (const InstanceState& state : runner.attempt()->instances()) {
    if (state.latency_ms.count() == 0) continue;
    auto& [values, count] = stages[state.name.stage];
    const auto kept = state.latency_ms.kept();
    values.insert(values.end(), kept.begin(), kept.end());
    count += state.latency_ms.count();
  }
  json out = json::array();
  for (auto& [stage, all] : stages) {
    json one = latency_json(metrics::histogram_of(std::move(all.first), all.second));
    one["stage"] = runner.plan().pipeline.stages[stage].name;
    out.push_back(std::move(one));
  }
  return out;
}

// What the user's own code measures, beside what it counts.
void add_user_rates(const InstanceState& state, json& out) {
  const InstanceStats& now = state.stats;
  for (const auto& [name, events] : now.user_meters) {
    const auto before = state.earlier.user_meters.find(name);
    const std::int64_t known = before == state.earlier.user_meters.end() ? 0 : before->second;
    const double in_a_second = rate(static_cast<std::uint64_t>(events), static_cast<std::uint64_t>(known),
                                    now.total_us - state.earlier.total_us);
    out["user_meters"][name] = {{"count", events}, {"rate", in_a_second}};
  }
  for (const auto& [name, value] : now.user_histograms) {
    out["user_histograms"][name] = {
        {"count", value.count},      {"min", value.min},          {"max", value.max},         {"mean", value.mean},
        {"p50", value.quantiles[0]}, {"p95", value.quantiles[2]}, {"p99", value.quantiles[4]}};
  }
}

json instance(const JobRunner& runner, const InstanceState& state) {
  const InstanceStats& now = state.stats;
  const InstanceStats& before = state.earlier;
  const Microseconds elapsed = now.total_us - before.total_us;
  const double idle = share(now.idle_us, before.idle_us, now.total_us, before.total_us);
  const double full = share(now.backpressured_us, before.backpressured_us, now.total_us, before.total_us);
  json out = {{"stage", runner.plan().pipeline.stages[state.name.stage].name},
              {"instance", state.name.instance},
              {"pid", state.child ? state.child->pid() : 0},
              {"attempt", state.attempt.value()},
              {"started_us", state.started_us},
              {"running_us", now.total_us},
              {"idle_us", now.idle_us},
              {"backpressured_us", now.backpressured_us},
              {"records_in", now.records_in},
              {"records_out", now.records_out},
              {"bytes_in", now.bytes_in},
              {"bytes_out", now.bytes_out},
              {"records_in_rate", rate(now.records_in, before.records_in, elapsed)},
              {"records_out_rate", rate(now.records_out, before.records_out, elapsed)},
              {"bytes_in_rate", rate(now.bytes_in, before.bytes_in, elapsed)},
              {"bytes_out_rate", rate(now.bytes_out, before.bytes_out, elapsed)},
              {"busy", elapsed <= 0 ? 0 : std::max(0.0, 1 - idle - full)},
              {"idle", idle},
              {"backpressured", full},
              {"queued_bytes", now.queued_bytes},
              {"state_rows", now.state_rows},
              {"state_bytes", now.state_bytes},
              {"spilled_bytes", now.spilled_bytes},
              {"resident_bytes", now.resident_bytes},
              {"bad_records", now.bad_records},
              {"late_records", now.late_records},
              {"ended", now.ended}};
  if (now.watermark != INT64_MIN && now.watermark != INT64_MAX) {
    out["watermark_us"] = now.watermark;
    out["watermark_lag_us"] = system_clock().wall_us() - now.watermark;
  }
  if (state.latency_ms.count() > 0) out["latency"] = latency_json(state.latency_ms.value());
  if (now.pending_records >= 0) out["pending_records"] = now.pending_records;
  if (!state.host.empty()) out["host"] = state.host;
  if (state.child && state.child->place().far) out["far"] = true;
  if (now.ahead) out["ahead"] = true;
  if (!now.watermark_held_by.empty()) out["watermark_held_by"] = now.watermark_held_by;
  if (!now.user_counters.empty()) out["user_counters"] = now.user_counters;
  if (!now.user_gauges.empty()) out["user_gauges"] = now.user_gauges;
  add_user_rates(state, out);
  return out;
}

json stats(const JobRunner& runner) {
  json out = {{"job", summary(runner)}, {"instances", json::array()}};
  if (runner.attempt() != nullptr) {
    for (const InstanceState& state : runner.attempt()->instances())
      out["instances"].push_back(instance(runner, state));
    if (json all = latencies(runner); !all.empty()) out["latency"] = std::move(all);
  }
  if (runner.last_checkpoint()) out["checkpoint"] = to_json(*runner.last_checkpoint());
  return out;
}

// As Flink's REST API names them: a meter is its rate, a histogram several values.
void add_point(const metrics::MetricPoint& point, json& values) {
  if (point.kind != metrics::Kind::kHistogram) {
    values[point.name] = point.value;
    return;
  }
  const metrics::HistogramValue& histogram = point.histogram;
  values[point.name + "_count"] = histogram.count;
  values[point.name + "_min"] = histogram.min;
  values[point.name + "_max"] = histogram.max;
  values[point.name + "_mean"] = histogram.mean;
  values[point.name + "_stddev"] = histogram.deviation;
  constexpr const char* kNames[] = {"_median", "_p75", "_p95", "_p98", "_p99", "_p999"};
  static_assert(std::size(kNames) == metrics::kQuantiles.size());
  for (std::size_t i = 0; i < std::size(kNames); ++i) values[point.name + kNames[i]] = histogram.quantiles[i];
}

json group_json(const metrics::MetricGroup& group) {
  json out = {{"scope", metrics::scope_name(group.scope)}, {"values", json::object()}};
  for (const auto& [name, value] : group.variables) {
    if (name == "task_name" || name == "operator_name") out["stage"] = value;
    if (name == "subtask_index" || name == "operator_subtask_index") out["instance"] = std::stoi(value);
    if (name == "operator_id") out["operator_id"] = value;
    if (name == "tm_id") out["host_id"] = value;
  }
  for (const metrics::MetricPoint& point : group.points) add_point(point, out["values"]);
  return out;
}

std::string dump(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

std::string compact_rate(double value) {
  char text[32];
  const char* unit = "";
  for (const char* next : {"k", "M", "G"}) {
    if (value < 1000) break;
    value /= 1000;
    unit = next;
  }
  std::snprintf(text, sizeof text, value < 10 && *unit != 0 ? "%.1f%s" : "%.0f%s", value, unit);
  return text;
}

}  // namespace

std::string job_summary_json(const JobRunner& runner) {
  json out = summary(runner);
  out["ok"] = true;
  return dump(out);
}

std::string job_stats_json(const JobRunner& runner) {
  json out = stats(runner);
  out["ok"] = true;
  return dump(out);
}

Result<std::string> job_news_json(JobRunner& runner, Microseconds since, bool with_stats) {
  STREAM_ASSIGN(json out, job_news(runner.store(), since));
  out["ok"] = true;
  out["summary"] = summary(runner);
  if (with_stats) out["stats"] = stats(runner);
  return dump(out);
}

std::string job_metrics_json(const JobRunner& runner) {
  json groups = json::array();
  const auto snapshot = metrics::collect(runner.job_metrics().view(system_clock().monotonic_us()));
  for (const metrics::MetricGroup& group : snapshot.groups) groups.push_back(group_json(group));
  return dump({{"ok", true}, {"groups", std::move(groups)}});
}

std::string attempt_instances_json(const JobRunner& runner) {
  json out = json::array();
  for (const InstanceState& state : runner.attempt()->instances()) {
    const InstanceStats& stats = state.stats;
    json one = {{"stage", runner.plan().pipeline.stages[state.name.stage].name},
                {"instance", state.name.instance},
                {"started_us", state.started_us},
                {"running_us", stats.total_us},
                {"idle_us", stats.idle_us},
                {"backpressured_us", stats.backpressured_us},
                {"records_in", stats.records_in},
                {"records_out", stats.records_out},
                {"bytes_in", stats.bytes_in},
                {"bytes_out", stats.bytes_out}};
    if (!state.host.empty()) one["host"] = state.host;
    if (!stats.user_counters.empty()) one["user_counters"] = stats.user_counters;
    out.push_back(std::move(one));
  }
  return dump(out);
}

std::string outcome_text(const JobRunner& runner) {
  std::uint64_t written = 0;
  for (const InstanceState& state : runner.attempt()->instances()) {
    if (runner.plan().stages[state.name.stage].role == StageRole::kSink) written += state.stats.records_in;
  }
  std::string text = std::to_string(written) + (written == 1 ? " record written" : " records written");
  const std::uint64_t bad = sum(runner, &InstanceStats::bad_records);
  const std::uint64_t late = sum(runner, &InstanceStats::late_records);
  if (bad > 0) text += ", " + std::to_string(bad) + " bad";
  if (late > 0) text += ", " + std::to_string(late) + " late";
  const std::uint64_t attempt = runner.record().attempt.value();
  return attempt == 1 ? text : text + " in attempt " + std::to_string(attempt);
}

std::string status_line(const JobRunner& runner, std::size_t width) {
  double in = 0;
  double out = 0;
  for (std::size_t i = 0; runner.attempt() != nullptr && i < runner.attempt()->instances().size(); ++i) {
    const InstanceState& state = runner.attempt()->instances()[i];
    const Microseconds elapsed = state.stats.total_us - state.earlier.total_us;
    const StageRole role = runner.plan().stages[state.name.stage].role;
    if (role == StageRole::kSource) in += rate(state.stats.records_out, state.earlier.records_out, elapsed);
    if (role == StageRole::kSink) out += rate(state.stats.records_in, state.earlier.records_in, elapsed);
  }
  const Microseconds up = (system_clock().wall_us() - runner.started_us()) / 1'000'000 * 1'000'000;
  std::string line = runner.paths().job + "  " + state_of(runner) + "  " + format_duration(up) + "  in " +
                     compact_rate(in) + "/s  out " + compact_rate(out) + "/s";
  if (runner.last_checkpoint()) {
    const CheckpointRecord& last = *runner.last_checkpoint();
    line += "  checkpoint " + std::to_string(last.epoch) + " " +
            std::to_string((last.ended_us - last.triggered_us) / 1000) + "ms";
  }
  if (runner.restarts() > 0) line += "  restarts " + std::to_string(runner.restarts());
  return line.substr(0, width);
}

}  // namespace stream
