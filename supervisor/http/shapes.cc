#include "supervisor/http/shapes.h"

#include <algorithm>
#include <cstdint>

#include "transport/base/text.h"

namespace stream::http {
namespace {

using nlohmann::json;

struct Field {
  std::string name;
  std::string type;
  bool optional = false;
};

bool is_words(std::string_view type) { return type.find('|') != std::string_view::npos; }

// Of the shape and of those it takes over.
std::vector<Field> fields_of(std::string_view text) {
  std::vector<Field> fields;
  for (const std::string& word : split(text, ' ')) {
    if (word.empty()) continue;
    if (word.front() == '+') {
      for (Field& field : fields_of(find_shape(word.substr(1))->text)) fields.push_back(std::move(field));
      continue;
    }
    const std::size_t colon = word.find(':');
    Field field{word.substr(0, colon), word.substr(colon + 1), false};
    if (field.type.ends_with('?')) {
      field.optional = true;
      field.type.pop_back();
    }
    fields.push_back(std::move(field));
  }
  return fields;
}

std::string_view inside(std::string_view type) { return type.substr(1, type.size() - 2); }

struct Plain {
  std::string_view name;
  const char* schema;
  const char* said;
};
constexpr Plain kPlain[] = {
    {"i32", R"({"type":"integer","format":"int32"})", "a whole number"},
    {"i64", R"({"type":"integer","format":"int64"})", "a whole number"},
    {"f64", R"({"type":"number","format":"double"})", "a number"},
    {"string", R"({"type":"string"})", "a text"},
    {"boolean", R"({"type":"boolean"})", "true or false"},
    {"any", R"({})", "anything"},
    {"object", R"({"type":"object"})", "an object"},
    {"Id", R"({"type":"string","pattern":"^[0-9a-f]{32}$"})", "32 hexadecimal digits, in lower case"},
};

const Plain* find_plain(std::string_view type) {
  const auto* at = std::ranges::find(kPlain, type, &Plain::name);
  return at == std::end(kPlain) ? nullptr : at;
}

bool is_id(const json& value) {
  if (!value.is_string() || value.get_ref<const std::string&>().size() != 32) return false;
  return std::ranges::all_of(value.get_ref<const std::string&>(),
                             [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool is_plain(const json& value, std::string_view type) {
  if (type == "i32") {
    return value.is_number_integer() && value.get<std::int64_t>() >= INT32_MIN &&
           value.get<std::int64_t>() <= INT32_MAX;
  }
  if (type == "i64") return value.is_number_integer();
  if (type == "f64") return value.is_number();
  if (type == "string") return value.is_string();
  if (type == "boolean") return value.is_boolean();
  if (type == "object") return value.is_object();
  return type == "any" || is_id(value);
}

Status wrong(const std::string& where, std::string_view should) {
  return usage_error(where + " must be " + std::string(should));
}

Status check_fields(const json& value, const Shape& shape, const std::string& where) {
  if (!value.is_object()) return wrong(where, "an object");
  const std::vector<Field> fields = fields_of(shape.text);
  std::vector<std::string> names;
  for (const Field& field : fields) names.push_back(field.name);
  for (const auto& [name, inner] : value.items()) {
    const auto at = std::ranges::find(fields, name, &Field::name);
    if (at == fields.end())
      return usage_error(where + " has no field '" + name + "'" + did_you_mean(name, names) + "; it takes " +
                         join(names, ", "));
    if (!inner.is_null()) STREAM_TRY(check_shape(inner, at->type, "'" + name + "'"));
  }
  return {};
}

}  // namespace

const Shape* find_shape(std::string_view name) {
  const auto all = shapes();
  const auto at = std::ranges::find(all, name, &Shape::name);
  return at == all.end() ? nullptr : &*at;
}

json schema_of_type(std::string_view type) {
  if (type.starts_with('[')) return {{"type", "array"}, {"items", schema_of_type(inside(type))}};
  if (type.starts_with('{')) return {{"type", "object"}, {"additionalProperties", schema_of_type(inside(type))}};
  if (is_words(type)) return {{"type", "string"}, {"enum", split(type, '|')}};
  if (const Plain* plain = find_plain(type)) return json::parse(plain->schema);
  return {{"$ref", "#/components/schemas/" + std::string(type)}};
}

json schema_of(const Shape& shape) {
  if (shape.text.starts_with("= ")) return schema_of_type(shape.text.substr(2));
  json schema = {{"type", "object"}, {"properties", json::object()}};
  for (const Field& field : fields_of(shape.text)) {
    schema["properties"][field.name] = schema_of_type(field.type);
    if (!field.optional) schema["required"].push_back(field.name);
  }
  return schema;
}

Status check_shape(const json& value, std::string_view type, const std::string& where) {
  if (type.starts_with('[')) {
    if (!value.is_array()) return wrong(where, "a list");
    for (const json& item : value) STREAM_TRY(check_shape(item, inside(type), "each of " + where));
    return {};
  }
  if (type.starts_with('{')) {
    if (!value.is_object()) return wrong(where, "an object");
    for (const auto& [name, item] : value.items()) STREAM_TRY(check_shape(item, inside(type), "'" + name + "'"));
    return {};
  }
  if (is_words(type)) {
    const std::vector<std::string> words = split(type, '|');
    const bool known = value.is_string() && std::ranges::find(words, value.get<std::string>()) != words.end();
    return known ? Status() : wrong(where, "one of " + join(words, ", "));
  }
  if (const Plain* plain = find_plain(type)) return is_plain(value, type) ? Status() : wrong(where, plain->said);
  const Shape* shape = find_shape(type);
  if (shape->text.starts_with("= ")) return check_shape(value, shape->text.substr(2), where);
  return check_fields(value, *shape, where);
}

}  // namespace stream::http
