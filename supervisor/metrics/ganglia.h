// Ganglia's packets for gmond, version 3.1, in XDR: of each metric what it is, and its value. Pure.
#pragma once

#include <string>
#include <vector>

#include "supervisor/metrics/snapshot.h"

namespace stream::metrics {

struct GangliaOptions {
  int dmax = 0;   // seconds after which gmond forgets a metric that is sent no more; 0 = never
  int tmax = 60;  // seconds between two values, as receivers are told
};

// Pairs of packets, each metric's description before its value.
std::vector<std::string> ganglia_packets(const MetricsSnapshot& snapshot, const GangliaOptions& options);

}  // namespace stream::metrics
