// The `metrics:` block of a manifest: reporters and their options, as metrics/reporter.h has them.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "supervisor/document.h"
#include "supervisor/metrics/reporter_spec.h"

namespace stream {

// What is wrong goes to `problems`.
std::vector<metrics::ReporterSpec> read_metrics(const Node& node, Problems& problems);
// The same from a text of its own, of which problems say that it is `from`.
std::vector<metrics::ReporterSpec> read_metrics_text(std::string_view text, const std::string& from,
                                                     Problems& problems);

nlohmann::ordered_json metrics_to_json(const std::vector<metrics::ReporterSpec>& reporters);
std::vector<metrics::ReporterSpec> metrics_from_json(const nlohmann::ordered_json& json);  // throws as nlohmann::json

}  // namespace stream
