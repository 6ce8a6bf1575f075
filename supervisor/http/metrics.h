// Metrics as Flink's API shows them: values of the groups that a supervisor tells, which come from the table in
// metrics/metric.h.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "supervisor/http/jobs.h"

namespace stream::http {

struct MetricValue {
  std::string id;
  double value = 0;
};

// Of the "groups" that Jobs::metrics() gives. Nothing of a job that does not run.
std::vector<MetricValue> job_metrics(const Json& groups);
// Of one instance: those of the task, and those of its operator behind the name of the stage, as in Flink.
std::vector<MetricValue> instance_metrics(const Json& groups, const std::string& stage, std::size_t instance);
// Of a stage as a whole, as the supervisor sees it.
std::vector<MetricValue> stage_metrics(const Json& groups, const std::string& stage);
// Of the instances of a job on one host, by its id, together.
std::vector<MetricValue> host_metrics(const Json& groups, const std::string& host);
// Of this machine and process.
std::vector<MetricValue> machine_metrics();

// "12", "0.5": as Flink's clients read it.
std::string metric_text(double value);

}  // namespace stream::http
