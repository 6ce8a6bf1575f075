#include <nlohmann/json.hpp>

#include "transport/record/schema.h"

namespace stream {
namespace {

using nlohmann::json;

Result<std::size_t> column_named(const Schema& schema, const json& name) {
  if (!name.is_string()) return corrupt("schema: a column name is not a string");
  const auto at = schema.find(name.get_ref<const std::string&>());
  if (!at) return corrupt("schema: no column '" + name.get<std::string>() + "'");
  return *at;
}

Status read_fields(const json& fields, Schema& schema) {
  if (!fields.is_array()) return corrupt("schema: 'fields' is not a list");
  for (const json& field : fields) {
    if (!field.is_object() || !field.contains("name") || !field["name"].is_string() || !field.contains("type") ||
        !field["type"].is_string()) {
      return corrupt("schema: a field needs a name and a type");
    }
    STREAM_ASSIGN(const Type type, parse_type(field["type"].get_ref<const std::string&>()));
    schema.fields.push_back({field["name"].get<std::string>(), type});
  }
  return {};
}

}  // namespace

std::string schema_to_json(const Schema& schema) {
  json out = {{"fields", json::array()}};
  for (const Field& field : schema.fields) {
    out["fields"].push_back({{"name", field.name}, {"type", to_string(field.type)}});
  }
  if (schema.time) out["time"] = schema.fields[*schema.time].name;
  for (const std::size_t column : schema.key) out["key"].push_back(schema.fields[column].name);
  if (schema.changelog == Changelog::kUpdates) out["changelog"] = "updates";
  if (schema.changelog == Changelog::kUpserts) out["changelog"] = "upserts";
  return out.dump();
}

Result<Schema> schema_from_json(std::string_view text) {
  const json in = json::parse(text, nullptr, false);
  if (!in.is_object() || !in.contains("fields")) return corrupt("schema: not a JSON object with 'fields'");
  Schema schema;
  STREAM_TRY(read_fields(in["fields"], schema));
  if (in.contains("time")) {
    STREAM_ASSIGN(const std::size_t column, column_named(schema, in["time"]));
    schema.time = column;
  }
  if (in.contains("key")) {
    for (const json& name : in["key"]) {
      STREAM_ASSIGN(const std::size_t column, column_named(schema, name));
      schema.key.push_back(column);
    }
  }
  if (in.contains("changelog") && in["changelog"] == "updates") schema.changelog = Changelog::kUpdates;
  if (in.contains("changelog") && in["changelog"] == "upserts") schema.changelog = Changelog::kUpserts;
  return schema;
}

}  // namespace stream
