// A file in YAML or JSON that is no manifest, as JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "transport/base/status.h"

namespace stream {

// Scalars without quotes are numbers, truth values and null where YAML 1.2 has them. Errors: kUsage, with file and
// line; those of reading the file.
Result<nlohmann::ordered_json> read_yaml(const std::string& path);

}  // namespace stream
