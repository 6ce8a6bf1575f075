// What makes each kind of reporter.
#pragma once

#include "supervisor/metrics/reporter.h"

namespace stream::metrics {

std::unique_ptr<Reporter> make_prometheus(ReporterSetup setup);
std::unique_ptr<Reporter> make_statsd(ReporterSetup setup);
std::unique_ptr<Reporter> make_dogstatsd(ReporterSetup setup);
std::unique_ptr<Reporter> make_graphite(ReporterSetup setup);
std::unique_ptr<Reporter> make_influxdb(ReporterSetup setup);
std::unique_ptr<Reporter> make_pushgateway(ReporterSetup setup);
std::unique_ptr<Reporter> make_opentelemetry(ReporterSetup setup);
std::unique_ptr<Reporter> make_datadog(ReporterSetup setup);
std::unique_ptr<Reporter> make_ganglia(ReporterSetup setup);
std::unique_ptr<Reporter> make_jmx(ReporterSetup setup);
std::unique_ptr<Reporter> make_log(ReporterSetup setup);

}  // namespace stream::metrics
