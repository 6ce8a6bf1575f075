#include "supervisor/http/metrics.h"

#include <array>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "supervisor/http/facts.h"

namespace stream::http {
namespace {

struct InstanceMetric {
  std::string_view id;
  const char* from;  // in the numbers of an instance
  double per;        // of what is said there
};
constexpr std::array kInstance = {
    InstanceMetric{"numRecordsIn", "records_in", 1},
    InstanceMetric{"numRecordsOut", "records_out", 1},
    InstanceMetric{"numBytesIn", "bytes_in", 1},
    InstanceMetric{"numBytesOut", "bytes_out", 1},
    InstanceMetric{"numRecordsInPerSecond", "records_in_rate", 1},
    InstanceMetric{"numRecordsOutPerSecond", "records_out_rate", 1},
    InstanceMetric{"numBytesInPerSecond", "bytes_in_rate", 1},
    InstanceMetric{"numBytesOutPerSecond", "bytes_out_rate", 1},
    InstanceMetric{"busyTimeMsPerSecond", "busy", 0.001},
    InstanceMetric{"idleTimeMsPerSecond", "idle", 0.001},
    InstanceMetric{"backPressuredTimeMsPerSecond", "backpressured", 0.001},
    InstanceMetric{"currentInputWatermark", "watermark_us", 1000},
    InstanceMetric{"numLateRecordsDropped", "late_records", 1},
    InstanceMetric{"numRecordsInErrors", "bad_records", 1},
    InstanceMetric{"buffers.queuedBytes", "queued_bytes", 1},
    InstanceMetric{"state.rows", "state_rows", 1},
    InstanceMetric{"state.bytes", "state_bytes", 1},
    InstanceMetric{"state.spilledBytes", "spilled_bytes", 1},
    InstanceMetric{"Status.Process.Memory.Resident", "resident_bytes", 1},
};

constexpr std::array<const char*, 10> kJob = {
    "uptime",
    "fullRestarts",
    "numRestarts",
    "numberOfCompletedCheckpoints",
    "numberOfFailedCheckpoints",
    "lastCompletedCheckpointId",
    "lastCheckpointDuration",
    "lastCheckpointSize",
    "numRecordsInErrors",
    "numLateRecordsDropped",
};

}  // namespace

std::vector<MetricValue> instance_metrics(const Json& instance) {
  std::vector<MetricValue> out;
  if (!instance.is_object()) return out;
  for (const InstanceMetric& metric : kInstance) {
    if (instance.contains(metric.from))
      out.push_back({std::string(metric.id), real_of(instance, metric.from) / metric.per});
  }
  for (const char* own : {"user_counters", "user_gauges"}) {
    const auto at = instance.find(own);
    if (at == instance.end() || !at->is_object()) continue;
    for (const auto& [name, value] : at->items()) {
      if (value.is_number()) out.push_back({name, value.get<double>()});
    }
  }
  return out;
}

std::vector<MetricValue> job_metrics(const Json& summary, const Json& checkpoints, std::int64_t now_ms) {
  double complete = 0;
  double failed = 0;
  Json last;
  for (const Json& checkpoint : checkpoints) {
    const std::string status = text_of(checkpoint, "status");
    const bool done = status == "complete" || status == "committed";
    if (done && last.is_null()) last = checkpoint;
    complete += done ? 1 : 0;
    failed += status == "aborted" ? 1 : 0;
  }
  if (last.is_null()) last = Json::object();
  const double restarts = real_of(summary, "restarts");
  const std::array values = {static_cast<double>(facts_of(summary, now_ms).duration_ms),
                             restarts,
                             restarts,
                             complete,
                             failed,
                             real_of(last, "epoch"),
                             real_of(last, "duration_us") / 1000,
                             real_of(last, "bytes"),
                             real_of(summary, "bad_records"),
                             real_of(summary, "late_records")};
  static_assert(values.size() == kJob.size());
  std::vector<MetricValue> out;
  for (std::size_t i = 0; i < kJob.size(); ++i) out.push_back({kJob[i], values[i]});
  return out;
}

std::string metric_text(double value) {
  char text[40];
  if (std::trunc(value) == value && std::abs(value) < 1e15)
    std::snprintf(text, sizeof text, "%.0f", value);
  else
    std::snprintf(text, sizeof text, "%.9g", value);
  return text;
}

}  // namespace stream::http
