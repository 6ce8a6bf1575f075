// The metrics of jobs and instances under Flink's names: one table, from which they are listed and read.
#pragma once

#include "supervisor/http/jobs.h"

namespace stream::http {

struct MetricValue {
  std::string id;
  double value = 0;
};

// Of an entry of `instances` in `stream stats --json`; none of what it has not told. Counters and gauges of the
// user's own are there under their names.
std::vector<MetricValue> instance_metrics(const Json& instance);
// Of a job.
std::vector<MetricValue> job_metrics(const Json& summary, const Json& checkpoints, std::int64_t now_ms);

// "12", "0.5": as Flink's clients read it.
std::string metric_text(double value);

}  // namespace stream::http
