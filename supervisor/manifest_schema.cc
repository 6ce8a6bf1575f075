#include "supervisor/manifest_schema.h"

#include <nlohmann/json.hpp>

#include "supervisor/manifest_keys.h"
#include "supervisor/metrics/reporter.h"
#include "transport/base/text.h"

namespace stream {
namespace {

using nlohmann::ordered_json;

constexpr const char* kNamePattern = "^[a-z][a-z0-9-]{0,31}$";
constexpr const char* kDurationPattern = "^(0|([0-9]+(us|ms|s|m|h|d|w))+)$";
constexpr const char* kSizePattern = "^[0-9]+ *(B|[KMGT]i?B)$";
constexpr const char* kIntegerPattern = "^[0-9]+$";

ordered_json refer(const std::string& definition) { return {{"$ref", "#/definitions/" + definition}}; }
ordered_json scalar() { return {{"type", {"string", "number", "boolean"}}}; }
ordered_json text(const char* pattern) { return {{"type", "string"}, {"pattern", pattern}}; }
ordered_json list_of(ordered_json items) { return {{"type", "array"}, {"items", std::move(items)}}; }
ordered_json map_of(ordered_json values) { return {{"type", "object"}, {"additionalProperties", std::move(values)}}; }

template <class... Ways>
ordered_json either(Ways... ways) {
  return {{"anyOf", ordered_json::array({std::move(ways)...})}};
}

// What is written as a number or as one of some words, or is a text with a parameter in it.
template <class... Ways>
ordered_json or_parameter(Ways... ways) {
  return either(std::move(ways)..., refer("parameter"));
}

ordered_json words(const std::vector<std::string>& choices) {
  ordered_json values = choices;
  for (const std::string& choice : choices) {
    if (choice == "true" || choice == "false") values.push_back(choice == "true");
  }
  return {{"enum", values}};
}

ordered_json object(std::span<const ManifestKey> keys);

// What stands behind one name of a map of such maps.
ordered_json named(const ManifestKey& key) {
  switch (key.instead) {
    case KeyShape::kKeys: return object(key.keys);
    case KeyShape::kRows:
      return either(object(key.keys), list_of({{"type", {"object", "string", "number", "boolean"}}}));
    case KeyShape::kText: return either(object(key.keys), scalar());
    default: return scalar();
  }
}

ordered_json integer(const ManifestKey& key) {
  return {{"type", "integer"}, {"minimum", key.least}, {"maximum", key.most}};
}

ordered_json number(const ManifestKey& key) {
  ordered_json out = {{"type", "number"}, {"minimum", key.least}};
  if (key.most != UINT32_MAX) out["maximum"] = key.most;
  return out;
}

ordered_json duration(const ManifestKey& key) {
  return or_parameter(text(kDurationPattern), ordered_json{{"const", 0}}, words(choices_of(key)));
}

ordered_json map_of_named(const ManifestKey& key) {
  ordered_json out = map_of(named(key));
  if (key.names) out["propertyNames"] = text(kNamePattern);
  return key.choices.empty() ? out : either(words(choices_of(key)), std::move(out));
}

ordered_json stages_map() {
  ordered_json out = map_of(refer("stage"));
  out["propertyNames"] = text(kNamePattern);
  out["minProperties"] = 1;
  return out;
}

// Some of its keys alone, where what is below may be absent.
ordered_json names_or_object(const ManifestKey& key) {
  ordered_json whole = object(key.keys);
  for (auto& [name, below] : whole["properties"].items()) below["type"] = {"object", "null"};
  return either(scalar(), list_of(words(names_of(key.keys))), std::move(whole));
}

ordered_json value(const ManifestKey& key) {
  switch (key.kind) {
    case KeyShape::kText:
    case KeyShape::kValue: return scalar();
    case KeyShape::kTexts: return either(scalar(), list_of(scalar()));
    case KeyShape::kName: return or_parameter(text(kNamePattern));
    case KeyShape::kDuration: return duration(key);
    case KeyShape::kCount: return or_parameter(integer(key), text(kIntegerPattern));
    case KeyShape::kNumber: return or_parameter(number(key), text("^[0-9.eE+-]+$"));
    case KeyShape::kSize: return or_parameter(text(kSizePattern));
    case KeyShape::kChoice: return or_parameter(words(choices_of(key)));
    case KeyShape::kFlag: return or_parameter(words({"true", "false"}));
    case KeyShape::kInput: return either(scalar(), list_of(scalar()), map_of(scalar()));
    case KeyShape::kKeys: return key.instead == KeyShape::kTexts ? names_or_object(key) : object(key.keys);
    case KeyShape::kNamed: return map_of_named(key);
    case KeyShape::kList: return list_of(object(key.keys));
    case KeyShape::kRows: return list_of({{"type", {"object", "string", "number", "boolean"}}});
    case KeyShape::kStages: return stages_map();
    case KeyShape::kReporters: return refer("reporters");
  }
  return {};
}

// Some keys mean something only with one value of another: those of `restart` with its strategy.
ordered_json only_with(std::span<const ManifestKey> keys, const ManifestKey& chooser, const std::string& chosen) {
  ordered_json names = ordered_json::array();
  for (const ManifestKey& key : keys) {
    for (const std::string& one : split(key.only.empty() ? chosen : key.only, '|')) {
      if (one == chosen) names.push_back(key.name);
    }
  }
  const std::string name(chooser.name);
  ordered_json here = {{"properties", {{name, {{"const", chosen}}}}}};
  if (chosen != chooser.fallback) here["required"] = ordered_json::array({name});
  return {{"if", here}, {"then", {{"propertyNames", {{"enum", names}}}}}};
}

void add_conditions(std::span<const ManifestKey> keys, ordered_json& out) {
  for (const ManifestKey& key : keys) {
    if (key.only.empty()) continue;
    for (const std::string& chosen : choices_of(keys.front()))
      out["allOf"].push_back(only_with(keys, keys.front(), chosen));
    return;
  }
}

ordered_json object(std::span<const ManifestKey> keys) {
  ordered_json out = {{"type", "object"}, {"properties", ordered_json::object()}};
  ordered_json required = ordered_json::array();
  for (const ManifestKey& key : keys) {
    ordered_json property = {{"description", key.doc}};
    if (!key.fallback.empty()) property["default"] = key.fallback;
    property.update(value(key));
    out["properties"][std::string(key.name)] = std::move(property);
    if (key.required) required.push_back(key.name);
  }
  if (!required.empty()) out["required"] = required;
  out["additionalProperties"] = false;
  add_conditions(keys, out);
  return out;
}

ordered_json reporter_value(metrics::OptionKind kind, std::string_view choices) {
  using Kind = metrics::OptionKind;
  switch (kind) {
    case Kind::kInteger: return or_parameter(ordered_json{{"type", "integer"}}, text(kIntegerPattern));
    case Kind::kFlag: return or_parameter(words({"true", "false"}));
    case Kind::kWord: return or_parameter(words(split(choices, '|')));
    case Kind::kList: return either(scalar(), list_of(scalar()));
    case Kind::kMap: return map_of(scalar());
    case Kind::kText:
    case Kind::kAddress:
    case Kind::kUrl:
    case Kind::kSecret:
    case Kind::kFile: return scalar();
  }
  return {};
}

ordered_json kinds_of_reporters() {
  ordered_json names = ordered_json::array();
  for (const metrics::ReporterKind& kind : metrics::reporter_kinds()) names.push_back(kind.name);
  return {{"enum", names}};
}

ordered_json reporter(const metrics::ReporterKind& kind) {
  ordered_json out = {{"type", {"object", "null"}}, {"description", kind.meaning}};
  ordered_json& properties = out["properties"];
  properties["reporter"] = kinds_of_reporters();
  for (const char* key : {"include", "exclude", "exclude-labels"})
    properties[key] = either(scalar(), list_of(scalar()));
  properties["labels"] = map_of(scalar());
  if (!kind.asked) properties["interval"] = or_parameter(text(kDurationPattern));
  ordered_json required = ordered_json::array();
  for (const metrics::ReporterOption& option : kind.options) {
    ordered_json property = {{"description", option.meaning}};
    if (!option.fallback.empty()) property["default"] = option.fallback;
    property.update(reporter_value(option.kind, option.words));
    properties[std::string(option.name)] = std::move(property);
    if (option.required) required.push_back(option.name);
  }
  if (!required.empty()) out["required"] = required;
  out["additionalProperties"] = false;
  return out;
}

// By their names, which are their kinds unless they say otherwise.
ordered_json named_reporters() {
  ordered_json out = {{"type", "object"}, {"propertyNames", text(kNamePattern)}};
  ordered_json others = {{"type", "object"}, {"required", {"reporter"}}};
  others["properties"]["reporter"] = kinds_of_reporters();
  for (const metrics::ReporterKind& kind : metrics::reporter_kinds()) {
    out["properties"][std::string(kind.name)] = reporter(kind);
    others["allOf"].push_back(
        {{"if", {{"properties", {{"reporter", {{"const", kind.name}}}}}}}, {"then", reporter(kind)}});
  }
  out["additionalProperties"] = others;
  return out;
}

// The map of a stage is that of its program.
ordered_json any_stage(const std::map<std::string, ordered_json>& stages) {
  ordered_json names = ordered_json::array();
  ordered_json programs = ordered_json::array();
  for (const auto& [name, schema] : stages) {
    names.push_back(name);
    const ordered_json is_it = {{"properties", {{"run", {{"const", name}}}}}, {"required", {"run"}}};
    programs.push_back({{"if", is_it}, {"then", refer("stage-" + name)}});
  }
  const ordered_json run = or_parameter(ordered_json{{"enum", names}});
  return {{"type", "object"}, {"required", {"run"}}, {"properties", {{"run", run}}}, {"allOf", programs}};
}

}  // namespace

ordered_json manifest_schema(const std::map<std::string, ordered_json>& stages) {
  ordered_json out = {{"$schema", "http://json-schema.org/draft-07/schema#"},
                      {"title", "stream-manifest(5)"},
                      {"description", "A pipeline of stages, or stages that are included in one."}};
  const ordered_json included =
      either(ordered_json{{"required", {"fragment"}}}, ordered_json{{"required", {"output"}}});
  out["if"] = included;
  out["then"] = refer("fragment");
  out["else"] = refer("manifest");
  ordered_json& definitions = out["definitions"];
  definitions["parameter"] = text("\\$\\{[^}]+\\}");
  definitions["manifest"] = object(manifest_keys());
  definitions["fragment"] = object(fragment_keys());
  definitions["stage"] = any_stage(stages);
  definitions["named-reporters"] = named_reporters();
  const ordered_json one = either(kinds_of_reporters(), refer("named-reporters"));
  definitions["reporters"] = either(one, list_of(one));
  for (const auto& [name, schema] : stages) {
    definitions["stage-" + name] = schema;
    definitions["stage-" + name].erase("$schema");
  }
  return out;
}

}  // namespace stream
