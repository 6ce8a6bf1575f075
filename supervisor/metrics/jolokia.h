// Jolokia's protocol: JMX over HTTP and JSON. Read, list, search and version; several requests in one. Pure.
#pragma once

#include <string>

#include "supervisor/metrics/http_parts.h"
#include "supervisor/metrics/snapshot.h"

namespace stream::metrics {

// GET /jolokia/TYPE/…, or POST /jolokia with one request or a list of them.
HttpAnswer jolokia_answer(const MetricsSnapshot& snapshot, const HttpQuestion& question);

}  // namespace stream::metrics
