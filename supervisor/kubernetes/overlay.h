// What users want otherwise in Pods, put over what `stream deploy` makes. Pure.
#pragma once

#include <nlohmann/json.hpp>

namespace stream::kubernetes {

// Maps are merged, null removes, and lists whose items have a name are merged by it: those of volume mounts by where
// they are mounted. Everything else is replaced.
nlohmann::ordered_json overlaid(nlohmann::ordered_json base, const nlohmann::ordered_json& over);

}  // namespace stream::kubernetes
