// Where the log goes, out of a manifest or a text like one: `log-to`.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string_view>
#include <vector>

#include "supervisor/document.h"
#include "supervisor/log_spec.h"

namespace stream {

// A name, a list of names, or a map from a name to its options. What is wrong goes to `problems`.
std::vector<LogSinkSpec> read_log_to(const Node& node, Problems& problems);
// The same of a text, such as "stderr" or "{syslog: {facility: local0}}", which is from `from`.
std::vector<LogSinkSpec> read_log_to_text(std::string_view text, const std::string& from, Problems& problems);

nlohmann::ordered_json log_to_json(const std::vector<LogSinkSpec>& sinks);
std::vector<LogSinkSpec> log_to_from_json(const nlohmann::ordered_json& json);

}  // namespace stream
