#include "supervisor/flink/stage.h"

#include <algorithm>

#include "supervisor/flink/words.h"
#include "transport/base/text.h"

namespace stream::flink {

using nlohmann::ordered_json;

Stage::Stage(const JobPlan& plan, std::size_t at, std::vector<Relation> inputs, Output& output, Problems& problems)
    : plan_(plan),
      spec_(plan.pipeline.stages[at]),
      planned_(plan.stages[at]),
      inputs_(std::move(inputs)),
      output_(output),
      problems_(problems),
      options_(ordered_json::parse(spec_.options)) {}

const ordered_json* Stage::find(std::string_view option) const {
  const auto it = options_.find(option);
  return it == options_.end() ? nullptr : &*it;
}

bool Stage::has(std::string_view option) const { return find(option) != nullptr; }

std::string Stage::text(std::string_view option, std::string_view fallback) const {
  const ordered_json* value = find(option);
  return value != nullptr && value->is_string() ? value->get<std::string>() : std::string(fallback);
}

std::vector<std::string> Stage::list(std::string_view option) const {
  const ordered_json* value = find(option);
  if (value == nullptr) return {};
  std::vector<std::string> parts;
  if (value->is_array()) {
    for (const ordered_json& item : *value) parts.push_back(item.get<std::string>());
  } else if (value->is_string()) {
    parts.push_back(value->get<std::string>());
  }
  std::vector<std::string> out;
  for (const std::string& part : parts) {
    for (const std::string& one : split(part, ',')) out.emplace_back(trim(one));
  }
  return out;
}

std::vector<SelectText> Stage::select(std::string_view option) const {
  const ordered_json* value = find(option);
  std::vector<SelectText> out;
  if (value == nullptr) return out;
  if (value->is_string()) out.push_back({"", value->get<std::string>()});
  if (value->is_array()) {
    for (const ordered_json& item : *value) out.push_back({"", item.get<std::string>()});
  }
  if (value->is_object()) {
    for (const auto& [name, item] : value->items()) out.push_back({name, item.get<std::string>()});
  }
  return out;
}

bool Stage::flag(std::string_view option) const {
  const std::string value = text(option, "false");
  return value != "false" && value != "no" && value != "off";
}

std::optional<Microseconds> Stage::duration(std::string_view option) const {
  const auto value = parse_duration(text(option));
  return value.ok() ? std::optional(*value) : std::nullopt;
}

std::vector<std::size_t> Stage::columns(std::string_view option) const {
  const Schema& schema = input().schema;
  std::vector<std::size_t> out;
  for (std::string name : list(option)) {
    if (name.size() > 1 && name.front() == '"' && name.back() == '"') name = name.substr(1, name.size() - 2);
    const auto exact = schema.find(name);
    const auto alike =
        std::ranges::find_if(schema.fields, [&](const Field& f) { return lower(f.name) == lower(name); });
    out.push_back(exact.value_or(static_cast<std::size_t>(alike - schema.fields.begin())));
  }
  return out;
}

void Stage::refuse(std::string_view option, const std::string& what, const std::string& advice) {
  refuse(option, expression::Failure{0, what, advice});
}

void Stage::refuse(std::string_view option, const expression::Failure& failure) {
  refused_ = true;
  const std::string message = failure.message + (failure.hint.empty() ? "" : "; " + failure.hint);
  const auto place = spec_.option_places.find(std::string(option));
  const std::string named = "stage '" + spec_.name + "' (" + spec_.run + "), option '" + std::string(option) + "': ";
  if (place == spec_.option_places.end()) return problems_.add(spec_.at, named + message);
  Place where = place->second.at;
  if (place->second.text_column > 0) where.column = place->second.text_column + static_cast<int>(failure.offset);
  problems_.add(where, named + message);
}

void Stage::refuse_stage(const std::string& what, const std::string& advice) {
  refused_ = true;
  problems_.add(spec_.at,
                "stage '" + spec_.name + "' (" + spec_.run + "): " + what + (advice.empty() ? "" : "; " + advice));
}

std::string Stage::name(std::string_view suffix) const { return quoted_name(spec_.name + std::string(suffix)); }

std::string Stage::comment() const { return spec_.name + ": " + spec_.run; }

std::vector<std::string> Stage::column_definitions(const Schema& schema) {
  std::vector<std::string> out;
  for (const Field& field : schema.fields) {
    // Text of JSON passes through as text.
    const auto type = field.type == kJson ? "STRING" : type_text(field.type);
    if (!type) {
      refuse_stage(
          "column '" + field.name + "' is of type " + to_string(field.type) + ", which has no counterpart in Flink",
          "leave it out, or cast it");
    }
    out.push_back(quoted_name(field.name) + " " + type.value_or("STRING"));
  }
  return out;
}

Table& Stage::add_table(Table table) {
  output_.order.emplace_back(output_.views.size(), output_.tables.size());
  output_.tables.push_back(std::move(table));
  return output_.tables.back();
}

Relation Stage::add_view(const std::vector<std::string>& columns, const std::string& rest, bool event_time,
                         bool changes, const std::string& more_comment) {
  std::string sql = "CREATE TEMPORARY VIEW " + name() + " AS\nSELECT ";
  sql += stream::join(columns, columns.size() > 4 ? ",\n       " : ", ");
  sql += "\n" + rest;
  output_.views.push_back({comment() + more_comment, std::move(sql)});
  return {name(), schema(), event_time, changes, {}};
}

}  // namespace stream::flink
