#include "snapshot/table_spec.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>

namespace stream {
namespace {

constexpr std::array<std::string_view, 5> kNames = {"keyed", "split", "outbox", "broadcast", "shared"};

nlohmann::json fields_to_json(const TableSpec& spec, std::size_t begin, std::size_t end) {
  nlohmann::json list = nlohmann::json::array();
  for (std::size_t i = begin; i < end; ++i) {
    const Field& field = spec.field(i);
    list.push_back({{"name", field.name}, {"type", to_string(field.type)}});
    if (const std::string_view means = spec.definition_of(i); !means.empty()) list.back()["definition"] = means;
    if (spec.starts_at_zero(i)) list.back()["zero"] = true;
  }
  return list;
}

Result<std::vector<Field>> fields_from_json(const nlohmann::json& list) {
  std::vector<Field> fields;
  for (const nlohmann::json& item : list) {
    STREAM_ASSIGN(const Type type, parse_type(item.at("type").get<std::string>()));
    fields.push_back({item.at("name").get<std::string>(), type});
  }
  return fields;
}

Result<TableSpec> from_json(const nlohmann::json& json) {
  TableSpec spec;
  spec.name = json.at("name").get<std::string>();
  STREAM_ASSIGN(spec.distribution, parse_distribution(json.at("distribution").get<std::string>()));
  STREAM_ASSIGN(spec.key, fields_from_json(json.at("key")));
  STREAM_ASSIGN(spec.value, fields_from_json(json.at("value")));
  spec.definition = json.value("definition", std::string());
  const nlohmann::json& values = json.at("value");
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i].value("zero", false)) spec.from_zero.push_back(i);
    if (!values[i].contains("definition")) continue;
    spec.definitions.resize(i + 1);
    spec.definitions[i] = values[i].at("definition").get<std::string>();
  }
  spec.group_columns = json.value("group_columns", std::size_t{0});
  spec.prefix = json.value("prefix", std::size_t{0});
  spec.ordered = json.value("ordered", std::string());
  return spec;
}

bool has_zero(TypeKind kind) {
  return kind == TypeKind::kBoolean || kind == TypeKind::kBigint || kind == TypeKind::kDouble ||
         kind == TypeKind::kDecimal || kind == TypeKind::kInterval;
}

Status check_ordered(const TableSpec& spec) {
  if (spec.ordered.empty()) return {};
  const auto column = spec.find(spec.ordered);
  if (!column) return usage_error("state table '" + spec.name + "' has no column '" + spec.ordered + "'");
  const TypeKind kind = spec.field(*column).type.kind;
  if (kind == TypeKind::kTimestamp || kind == TypeKind::kBigint) return {};
  return usage_error("state table '" + spec.name + "': column '" + spec.ordered + "' has no order of time");
}

}  // namespace

std::string_view to_string(Distribution distribution) { return kNames[static_cast<std::size_t>(distribution)]; }

Result<Distribution> parse_distribution(std::string_view text) {
  const auto found = std::ranges::find(kNames, text);
  if (found == kNames.end()) return usage_error("unknown distribution '" + std::string(text) + "'");
  return static_cast<Distribution>(found - kNames.begin());
}

std::optional<std::size_t> TableSpec::find(std::string_view column) const {
  for (std::size_t i = 0; i < columns(); ++i) {
    if (field(i).name == column) return i;
  }
  return std::nullopt;
}

std::string_view TableSpec::definition_of(std::size_t column) const {
  if (column < key.size() || column - key.size() >= definitions.size()) return {};
  return definitions[column - key.size()];
}

void TableSpec::add_value(Field field, std::string means, bool zero) {
  if (zero) from_zero.push_back(value.size());
  value.push_back(std::move(field));
  if (means.empty()) return;
  definitions.resize(value.size());
  definitions.back() = std::move(means);
}

bool TableSpec::starts_at_zero(std::size_t column) const {
  return column >= key.size() && std::ranges::find(from_zero, column - key.size()) != from_zero.end();
}

TableSpec without_paths(TableSpec spec) {
  spec.prefix = 0;
  spec.ordered.clear();
  spec.append_only = false;
  return spec;
}

Status check_spec(const TableSpec& spec) {
  const std::string table = "state table '" + spec.name + "'";
  if (spec.name.empty()) return usage_error("a state table needs a name");
  if (spec.key.empty()) return usage_error(table + " has no key");
  if (spec.group_columns > spec.key.size()) return usage_error(table + ": more group columns than key columns");
  for (const std::size_t at : spec.from_zero) {
    if (at >= spec.value.size() || !has_zero(spec.value[at].type.kind))
      return usage_error(table + ": no 0 to start at");
  }
  if (spec.definitions.size() > spec.value.size()) return usage_error(table + ": more definitions than columns");
  if (spec.append_only && spec.prefix == 0) return usage_error(table + ": what is only added to needs a prefix");
  if (spec.prefix > spec.key.size()) return usage_error(table + ": the prefix is longer than the key");
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < spec.columns(); ++i) {
    const std::string& name = spec.field(i).name;
    if (name.empty()) return usage_error(table + " has a column without a name");
    if (name == "_key_group") return usage_error(table + ": column name '_key_group' is taken");
    if (!names.insert(name).second) return usage_error(table + " has column '" + name + "' twice");
  }
  return check_ordered(spec);
}

std::string spec_to_json(const TableSpec& spec) {
  nlohmann::json json = {{"name", spec.name},
                         {"distribution", to_string(spec.distribution)},
                         {"key", fields_to_json(spec, 0, spec.key.size())},
                         {"value", fields_to_json(spec, spec.key.size(), spec.columns())}};
  if (!spec.definition.empty()) json["definition"] = spec.definition;
  if (spec.group_columns != 0) json["group_columns"] = spec.group_columns;
  if (spec.prefix != 0) json["prefix"] = spec.prefix;
  if (!spec.ordered.empty()) json["ordered"] = spec.ordered;
  return json.dump();
}

Result<TableSpec> spec_from_json(std::string_view text) {
  try {
    STREAM_ASSIGN(TableSpec spec, from_json(nlohmann::json::parse(text)));
    STREAM_TRY(check_spec(spec));
    return spec;
  } catch (const nlohmann::json::exception& e) { return usage_error(std::string("not a state table: ") + e.what()); }
}

}  // namespace stream
