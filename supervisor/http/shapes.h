// The shapes of what goes over HTTP: one table in a short notation, from which the OpenAPI document is made and
// bodies are checked.
//
//   name:type       a field; `?` behind the type: it may be absent
//   i32 i64 f64 string boolean any, Id (32 hex digits), the name of another shape
//   [type]          a list
//   {type}          an object whose keys are not fixed
//   A|B|C           one of these words
//   +Shape          all fields of that one
//   = type          a shape that is no object
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string_view>

#include "transport/base/status.h"

namespace stream::http {

struct Shape {
  std::string_view name;
  std::string_view text;
};
std::span<const Shape> shapes();
const Shape* find_shape(std::string_view name);

inline constexpr std::string_view kPlainText = "Text";  // no JSON
inline constexpr std::string_view kEventStreamShape = "EventStream";
inline constexpr std::string_view kArchiveShape = "Archive";  // bytes

// JSON Schema of a type; of a field list as that of an object.
nlohmann::json schema_of_type(std::string_view type);
nlohmann::json schema_of(const Shape& shape);

// Whether a value from outside has the shape. Fields may be absent there. Errors: kUsage, naming the field and what
// it should be.
Status check_shape(const nlohmann::json& value, std::string_view type, const std::string& where);

}  // namespace stream::http
