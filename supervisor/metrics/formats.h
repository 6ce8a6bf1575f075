// What reporters send, as bytes. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "supervisor/metrics/snapshot.h"

namespace stream::metrics {

// Names as those of Datadog's integration of Flink: "flink.task.numRecordsIn".
std::string datadog_name(Scope scope, std::string_view metric);

// Counters told as what has come since the report before.
class Deltas {
 public:
  // Of a series that has begun anew, what it has come to since.
  double since(const std::string& series, double value);

 private:
  std::map<std::string, double> before_;
};

// "name:1|g", every value as a gauge. A negative one is 0 first: with a sign it would be a change.
std::vector<std::string> statsd_lines(const MetricsSnapshot& snapshot);
// "name:1|g|#tag:value,…"; counters as "|c".
std::vector<std::string> dogstatsd_lines(const MetricsSnapshot& snapshot, Deltas& deltas);
// "name value seconds\n".
std::string graphite_lines(const MetricsSnapshot& snapshot, const std::string& prefix);
// "measurement,tag=value field=1 milliseconds\n".
std::string influx_lines(const MetricsSnapshot& snapshot);
// A line a group: "metrics of totals.0: numRecordsIn=1 …".
std::vector<std::string> log_lines(const MetricsSnapshot& snapshot);

// Lines joined by line feeds, each packet of at most `most` bytes; a longer line is one alone.
std::vector<std::string> packets_of(const std::vector<std::string>& lines, std::size_t most);

}  // namespace stream::metrics
