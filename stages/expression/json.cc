#include "stages/expression/json.h"

#include <simdjson.h>

#include <charconv>
#include <string>

#include "transport/base/text.h"

namespace stream::expression {
namespace {

namespace od = simdjson::ondemand;

constexpr char kInvalidJson[] = "invalid JSON";

// simdjson reads up to 32 bytes behind the text, so each document is copied into a padded scratch.
struct Scratch {
  od::parser parser;
  std::string text;

  od::document iterate(std::string_view json, simdjson::error_code& error) {
    text.reserve(json.size() + simdjson::SIMDJSON_PADDING);
    text.assign(json);
    od::document document;
    error = parser.iterate(text.data(), json.size(), json.size() + simdjson::SIMDJSON_PADDING).get(document);
    return document;
  }
};

Scratch& scratch() {
  thread_local Scratch instance;
  return instance;
}

std::string_view trimmed(std::string_view text) { return trim(text); }

template <class Out>  // append(std::string_view)
const char* append_value(od::value value, bool as_text, Out& out) {
  od::json_type type;
  if (value.type().get(type) != simdjson::SUCCESS) return kInvalidJson;
  if (as_text && type == od::json_type::null) return kNullResult;
  if (as_text && type == od::json_type::string) {
    std::string_view text;
    if (value.get_string().get(text) != simdjson::SUCCESS) return kInvalidJson;
    if (text.find('\0') != std::string_view::npos) return "a zero character in JSON cannot be text";
    out.append(text);
    return nullptr;
  }
  std::string_view raw;
  if (type == od::json_type::object) {
    od::object object;
    if (value.get_object().get(object) != simdjson::SUCCESS || object.raw_json().get(raw) != simdjson::SUCCESS) {
      return kInvalidJson;
    }
  } else if (type == od::json_type::array) {
    od::array array;
    if (value.get_array().get(array) != simdjson::SUCCESS || array.raw_json().get(raw) != simdjson::SUCCESS) {
      return kInvalidJson;
    }
  } else {
    raw = value.raw_json_token();
  }
  out.append(trimmed(raw));
  return nullptr;
}

// The first character says what a document is; scalars need no parser.
char first_of(std::string_view json) {
  const std::string_view text = trimmed(json);
  return text.empty() ? '\0' : text[0];
}

const char* missing(simdjson::error_code error) {
  return error == simdjson::NO_SUCH_FIELD || error == simdjson::INDEX_OUT_OF_BOUNDS || error == simdjson::INCORRECT_TYPE
             ? kNullResult
             : kInvalidJson;
}

// Steps into an object or an array. INCORRECT_TYPE where the value is neither.
simdjson::error_code step(od::value& value, std::string_view key) {
  od::json_type type;
  if (const auto error = value.type().get(type)) return error;
  if (type == od::json_type::object) {
    od::object object;
    if (const auto error = value.get_object().get(object)) return error;
    return object.find_field_unordered(key).get(value);
  }
  if (type != od::json_type::array) return simdjson::INCORRECT_TYPE;
  std::int64_t index = 0;
  const auto [end, code] = std::from_chars(key.data(), key.data() + key.size(), index);
  if (code != std::errc() || end != key.data() + key.size()) return simdjson::NO_SUCH_FIELD;
  od::array array;
  if (const auto error = value.get_array().get(array)) return error;
  if (index < 0) {
    std::size_t count = 0;
    if (const auto error = array.count_elements().get(count)) return error;
    index += static_cast<std::int64_t>(count);
    if (index < 0) return simdjson::INDEX_OUT_OF_BOUNDS;
  }
  return array.at(static_cast<std::size_t>(index)).get(value);
}

const char* append_elements(std::string_view json, bool as_text, ColumnBuilder& out) {
  simdjson::error_code error;
  od::document document = scratch().iterate(json, error);
  od::array array;
  if (error || document.get_array().get(array)) return kInvalidJson;
  std::string element;
  for (auto value : array) {
    od::value read;
    if (value.get(read)) return kInvalidJson;
    element.clear();
    const char* reason = append_value(read, as_text, element);
    if (reason == kNullResult) {
      out.append_null();
    } else if (reason != nullptr) {
      return reason;
    } else {
      out.append_bytes(element);
    }
  }
  return nullptr;
}

std::vector<std::string> path_steps(std::string_view path) {
  path = trim(path);
  if (path.size() < 2 || path.front() != '{' || path.back() != '}') return {};
  std::vector<std::string> steps;
  if (path.size() == 2) return steps;
  for (std::string& part : split(path.substr(1, path.size() - 2), ',')) {
    std::string_view text = trim(part);
    if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
    steps.emplace_back(text);
  }
  return steps;
}

}  // namespace

bool valid_json(std::string_view json) {
  thread_local simdjson::dom::parser parser;
  simdjson::dom::element element;
  return parser.parse(json.data(), json.size()).get(element) == simdjson::SUCCESS;
}

const char* json_field(std::string_view json, std::string_view key, bool as_text, Text& out) {
  if (first_of(json) != '{') return kNullResult;
  simdjson::error_code error;
  od::document document = scratch().iterate(json, error);
  if (error) return kInvalidJson;
  od::value value;
  if (const auto found = document.find_field_unordered(key).get(value)) return missing(found);
  return append_value(value, as_text, out);
}

const char* json_element(std::string_view json, std::int64_t index, bool as_text, Text& out) {
  if (first_of(json) != '[') return kNullResult;
  simdjson::error_code error;
  od::document document = scratch().iterate(json, error);
  if (error) return kInvalidJson;
  od::value value;
  if (document.get_value().get(value)) return kInvalidJson;
  if (const auto found = step(value, std::to_string(index))) return missing(found);
  return append_value(value, as_text, out);
}

const char* json_path(std::string_view json, std::string_view path, bool as_text, Text& out) {
  const char first = first_of(json);
  if (first != '{' && first != '[') return kNullResult;
  simdjson::error_code error;
  od::document document = scratch().iterate(json, error);
  if (error) return kInvalidJson;
  od::value value;
  if (document.get_value().get(value)) return kInvalidJson;
  for (const std::string& key : path_steps(path)) {
    if (const auto found = step(value, key)) return missing(found);
  }
  return append_value(value, as_text, out);
}

const char* json_typeof(std::string_view json, Text& out) {
  switch (first_of(json)) {
    case '{': out.append("object"); break;
    case '[': out.append("array"); break;
    case '"': out.append("string"); break;
    case 't':
    case 'f': out.append("boolean"); break;
    case 'n': out.append("null"); break;
    case '\0': return kInvalidJson;
    default: out.append("number");
  }
  return nullptr;
}

const char* json_array_length(std::string_view json, std::int64_t& out) {
  if (first_of(json) != '[') return "not a JSON array";
  simdjson::error_code error;
  od::document document = scratch().iterate(json, error);
  std::size_t count = 0;
  if (error || document.count_elements().get(count)) return kInvalidJson;
  out = static_cast<std::int64_t>(count);
  return nullptr;
}

const char* json_elements(std::string_view json, bool as_text, ColumnBuilder& out) {
  if (first_of(json) != '[') return "not a JSON array";
  const std::size_t before = out.size();
  const char* reason = append_elements(json, as_text, out);
  if (reason != nullptr) out.truncate(before);
  return reason;
}

const char* json_to_boolean(std::string_view json, std::uint8_t& out) {
  const std::string_view text = trimmed(json);
  if (text == "null") return kNullResult;
  if (text != "true" && text != "false") return "not a JSON boolean";
  out = text == "true";
  return nullptr;
}

const char* json_number_text(std::string_view json, std::string_view& number) {
  const std::string_view text = trimmed(json);
  if (text == "null") return kNullResult;
  if (text.empty() || (text[0] != '-' && (text[0] < '0' || text[0] > '9'))) return "not a JSON number";
  number = text;
  return nullptr;
}

}  // namespace stream::expression
