#include "supervisor/evolve.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace stream {
namespace {

using nlohmann::ordered_json;

ordered_json to_json(const Place& place) { return ordered_json::array({place.file, place.line, place.column}); }
Place place_from(const ordered_json& json) { return {json.at(0), json.at(1), json.at(2)}; }

ordered_json to_json(const std::vector<EvolvedColumn>& columns) {
  ordered_json out = ordered_json::array();
  for (const EvolvedColumn& column : columns) {
    const ColumnEvolution& change = column.change;
    out.push_back({{"name", change.name},
                   {"was", change.was},
                   {"drop", change.drop},
                   {"convert", change.convert},
                   {"at", to_json(column.at)}});
    if (change.fallback) out.back()["default"] = *change.fallback;
  }
  return out;
}

std::vector<EvolvedColumn> columns_from(const ordered_json& json) {
  std::vector<EvolvedColumn> columns;
  for (const ordered_json& item : json) {
    ColumnEvolution change{item.at("name"), item.at("was"), item.at("drop"), item.at("convert"), {}};
    if (item.contains("default")) change.fallback = item.at("default").get<std::string>();
    columns.push_back({std::move(change), place_from(item.at("at"))});
  }
  return columns;
}

template <class Entry>
ordered_json head_of(const Entry& entry) {
  return {{"name", entry.name},
          {"was", entry.was},
          {"drop", entry.drop},
          {"columns", to_json(entry.columns)},
          {"at", to_json(entry.at)}};
}

template <class Entry>
void read_head(const ordered_json& json, Entry& entry) {
  entry.name = json.at("name");
  entry.was = json.at("was");
  entry.drop = json.at("drop");
  entry.columns = columns_from(json.at("columns"));
  entry.at = place_from(json.at("at"));
}

template <class Entry>
const Entry* find_entry(const std::vector<Entry>& entries, const std::string& name) {
  const auto found = std::ranges::find(entries, name, &Entry::name);
  return found == entries.end() ? nullptr : &*found;
}

// The entry of the same thing, which may have been renamed since.
template <class Entry>
const Entry* entry_of(const Entry& wanted, const std::vector<Entry>& kept) {
  const Entry* same = find_entry(kept, wanted.name);
  return same == nullptr && !wanted.was.empty() ? find_entry(kept, wanted.was) : same;
}

template <class Entry>
void forget_done(Entry& wanted, const Entry& kept) {
  if (kept.name == wanted.name && kept.was == wanted.was) wanted.was.clear();
  if (kept.name == wanted.name && kept.drop) wanted.drop = false;
  std::erase_if(wanted.columns, [&](const EvolvedColumn& column) {
    return std::ranges::find(kept.columns, column.change, &EvolvedColumn::change) != kept.columns.end();
  });
}

}  // namespace

const EvolvedStage* find(const std::vector<EvolvedStage>& stages, const std::string& name) {
  return find_entry(stages, name);
}

const EvolvedTable* find(const std::vector<EvolvedTable>& tables, const std::string& name) {
  return find_entry(tables, name);
}

std::vector<EvolvedStage> still_to_do(const std::vector<EvolvedStage>& wanted, const std::vector<EvolvedStage>& kept) {
  std::vector<EvolvedStage> left = wanted;
  for (EvolvedStage& stage : left) {
    const EvolvedStage* done = entry_of(stage, kept);
    if (done == nullptr) continue;
    for (EvolvedTable& table : stage.tables) {
      const EvolvedTable* one = entry_of(table, done->tables);
      if (one != nullptr) forget_done(table, *one);
    }
    std::erase_if(stage.tables, [](const EvolvedTable& table) { return table.says_nothing(); });
    forget_done(stage, *done);
  }
  std::erase_if(left, [](const EvolvedStage& stage) { return stage.says_nothing(); });
  return left;
}

ordered_json evolve_to_json(const std::vector<EvolvedStage>& stages) {
  ordered_json out = ordered_json::array();
  for (const EvolvedStage& stage : stages) {
    ordered_json item = head_of(stage);
    item["tables"] = ordered_json::array();
    for (const EvolvedTable& table : stage.tables) item["tables"].push_back(head_of(table));
    out.push_back(std::move(item));
  }
  return out;
}

std::vector<EvolvedStage> evolve_from_json(const ordered_json& json) {
  std::vector<EvolvedStage> stages;
  for (const ordered_json& item : json) {
    EvolvedStage& stage = stages.emplace_back();
    read_head(item, stage);
    for (const ordered_json& table : item.at("tables")) read_head(table, stage.tables.emplace_back());
  }
  return stages;
}

}  // namespace stream
