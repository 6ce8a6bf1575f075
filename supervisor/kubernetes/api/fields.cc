#include "supervisor/kubernetes/api/fields.h"

namespace stream::kubernetes {

using nlohmann::json;

json part_at(const json& object, const char* place) {
  const json::json_pointer at(place);
  return object.is_structured() && object.contains(at) ? object[at] : json();
}

std::string text_at(const json& object, const char* place) {
  const json found = part_at(object, place);
  return found.is_string() ? found.get<std::string>() : "";
}

std::int64_t number_at(const json& object, const char* place) {
  const json found = part_at(object, place);
  return found.is_number_integer() ? found.get<std::int64_t>() : 0;
}

bool flag_at(const json& object, const char* place) {
  const json found = part_at(object, place);
  return found.is_boolean() && found.get<bool>();
}

}  // namespace stream::kubernetes
