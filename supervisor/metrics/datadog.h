// Datadog's HTTP API for series, version 1. Pure.
#pragma once

#include <string>
#include <vector>

#include "supervisor/metrics/formats.h"

namespace stream::metrics {

// Bodies of requests, each of at most `most` series. Counters as what has come since the report before.
std::vector<std::string> datadog_bodies(const MetricsSnapshot& snapshot, const std::vector<std::string>& tags,
                                        std::size_t most, Deltas& deltas);

}  // namespace stream::metrics
