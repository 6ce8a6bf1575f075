// Parts of what an API server tells, by their place: "/metadata/name".
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

namespace stream::kubernetes {

// "", 0, false and null where there is none, or something else.
std::string text_at(const nlohmann::json& object, const char* place);
std::int64_t number_at(const nlohmann::json& object, const char* place);
bool flag_at(const nlohmann::json& object, const char* place);
nlohmann::json part_at(const nlohmann::json& object, const char* place);

}  // namespace stream::kubernetes
