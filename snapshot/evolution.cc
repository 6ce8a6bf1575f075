#include "snapshot/evolution.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace stream {
namespace {

using nlohmann::json;

json to_value(const ColumnEvolution& column) {
  json value = {{"name", column.name}};
  if (!column.was.empty()) value["was"] = column.was;
  if (column.drop) value["drop"] = true;
  if (!column.convert.empty()) value["convert"] = column.convert;
  if (column.fallback) value["default"] = *column.fallback;
  return value;
}

ColumnEvolution column_of(const json& value) {
  ColumnEvolution column;
  column.name = value.at("name").get<std::string>();
  column.was = value.value("was", "");
  column.drop = value.value("drop", false);
  column.convert = value.value("convert", "");
  if (value.contains("default")) column.fallback = value.at("default").get<std::string>();
  return column;
}

TableEvolution table_of(const json& value) {
  TableEvolution table{value.at("to").get<std::string>(), value.at("drop").get<bool>(), {}};
  for (const json& column : value.at("columns")) table.columns.push_back(column_of(column));
  return table;
}

bool starts_word(char c) { return c == '_' || std::isalpha(static_cast<unsigned char>(c)) != 0; }
bool goes_on(char c) { return c == '_' || std::isalnum(static_cast<unsigned char>(c)) != 0; }

const ColumnEvolution* renaming(std::string_view was, const std::vector<ColumnEvolution>& columns) {
  const auto found = std::ranges::find_if(columns, [&](const auto& c) { return !was.empty() && c.was == was; });
  return found == columns.end() ? nullptr : &*found;
}

// Words that name a column, but neither a function nor what stands within single quotes.
std::string renamed_text(std::string_view text, const std::vector<ColumnEvolution>& columns) {
  std::string out;
  std::size_t at = 0;
  while (at < text.size()) {
    const char c = text[at];
    std::size_t end = at + 1;
    if (c == '\'' || c == '"') {
      end = std::min(text.find(c, at + 1), text.size() - 1) + 1;
    } else if (starts_word(c)) {
      while (end < text.size() && goes_on(text[end])) ++end;
    } else if (goes_on(c)) {
      while (end < text.size() && goes_on(text[end])) ++end;
      out += text.substr(at, end - at);
      at = end;
      continue;
    }
    const std::string_view word = text.substr(at, end - at);
    const bool quoted = c == '"' && word.size() >= 2;
    const bool call = end < text.size() && text[end] == '(';
    const ColumnEvolution* now = call ? nullptr : renaming(quoted ? word.substr(1, word.size() - 2) : word, columns);
    out += now == nullptr ? std::string(word) : quoted ? '"' + now->name + '"' : now->name;
    at = end;
  }
  return out;
}

}  // namespace

std::string StageEvolution::kept_name(const std::string& wanted) const {
  for (const auto& [kept, table] : tables) {
    if (!table.drop && table.to == wanted) return kept;
  }
  const TableEvolution* same = find(wanted);
  return same == nullptr ? wanted : "";
}

const TableEvolution* StageEvolution::find(const std::string& kept) const {
  const auto found = tables.find(kept);
  return found == tables.end() ? nullptr : &found->second;
}

TableSpec renamed(TableSpec kept, const std::vector<ColumnEvolution>& columns) {
  if (std::ranges::all_of(columns, [](const ColumnEvolution& column) { return column.was.empty(); })) return kept;
  const auto rename = [&](std::string& name) {
    if (const ColumnEvolution* now = renaming(name, columns)) name = now->name;
  };
  for (Field& field : kept.key) rename(field.name);
  for (Field& field : kept.value) rename(field.name);
  rename(kept.ordered);
  kept.definition = renamed_text(kept.definition, columns);
  for (std::string& definition : kept.definitions) definition = renamed_text(definition, columns);
  return kept;
}

std::string to_json(const StageEvolution& evolution) {
  json value = {{"was", evolution.was}, {"drop", evolution.drop}, {"tables", json::object()}};
  for (const auto& [kept, table] : evolution.tables) {
    json columns = json::array();
    for (const ColumnEvolution& column : table.columns) columns.push_back(to_value(column));
    value["tables"][kept] = {{"to", table.to}, {"drop", table.drop}, {"columns", std::move(columns)}};
  }
  return value.dump();
}

Result<StageEvolution> stage_evolution_from_json(std::string_view text) {
  try {
    const json value = json::parse(text);
    StageEvolution evolution;
    evolution.was = value.at("was").get<std::string>();
    evolution.drop = value.at("drop").get<bool>();
    for (const auto& [kept, table] : value.at("tables").items()) evolution.tables[kept] = table_of(table);
    return evolution;
  } catch (const json::exception& error) { return failed(std::string("not an evolution: ") + error.what()); }
}

}  // namespace stream
