// JSON as YAML that people read: blocks for maps and lists, scalars and what is empty as JSON has them. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace stream::kubernetes {

// One document, with "---" before it.
std::string yaml_of(const nlohmann::ordered_json& document);

}  // namespace stream::kubernetes
