// Reading JSON values. Functions return null, the reason of a row error, or kNullResult.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "stages/expression/kernel.h"
#include "transport/record/column.h"

namespace stream::expression {

bool valid_json(std::string_view json);

// A field of an object or an element of an array; as text (->>) strings lose their quotes and null
// becomes NULL, else the JSON text is given as it stands.
const char* json_field(std::string_view json, std::string_view key, bool as_text, Text& out);
const char* json_element(std::string_view json, std::int64_t index, bool as_text, Text& out);
// "{a,0,b}": where the document has an array, the step is an index.
const char* json_path(std::string_view json, std::string_view path, bool as_text, Text& out);

// Appends the elements of an array; as text, or as it stands, like json_element(). Where it fails `out` keeps nothing
// of it.
const char* json_elements(std::string_view json, bool as_text, ColumnBuilder& out);

const char* json_typeof(std::string_view json, Text& out);
const char* json_array_length(std::string_view json, std::int64_t& out);

const char* json_to_boolean(std::string_view json, std::uint8_t& out);
// The digits of a JSON number, for a conversion.
const char* json_number_text(std::string_view json, std::string_view& number);

}  // namespace stream::expression
