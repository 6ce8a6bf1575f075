#include "cli/compare_files.h"

#include <algorithm>
#include <filesystem>

#include "snapshot/savepoint.h"
#include "transport/base/text.h"

namespace stream {
namespace {

const ResultTable* find(const std::vector<ResultTable>& tables, const std::string& name) {
  const auto it = std::ranges::find(tables, name, &ResultTable::name);
  return it == tables.end() ? nullptr : &*it;
}

std::vector<std::string> names_of(const std::vector<ResultTable>& tables) {
  std::vector<std::string> names;
  for (const ResultTable& table : tables) names.push_back(table.name);
  return names;
}

Status check_table(const std::string& name, const std::vector<ResultTable>& tables, const std::string& path) {
  if (find(tables, name) != nullptr) return {};
  return usage_error("there is no table '" + name + "' in '" + path + "'" + did_you_mean(name, names_of(tables)));
}

ResultPair table_pair(const std::array<std::string, 2>& paths, const std::array<const ResultTable*, 2>& tables,
                      const CompareSettings& settings) {
  ResultPair pair{.of = tables[0]->name, .options = settings.diff};
  for (std::size_t i = 0; i < 2; ++i)
    pair.places[i] = {.path = paths[i], .form = ResultForm::kSqlite, .table = tables[i]->name};
  if (pair.options.key.empty() && tables[0]->key == tables[1]->key) pair.options.key = tables[0]->key;
  std::erase_if(pair.options.key, [&](const std::string& name) { return pair.options.ignore.contains(name); });
  return pair;
}

Result<std::vector<ResultPair>> pairs_of_databases(const std::array<std::string, 2>& paths,
                                                   const CompareSettings& settings, CompareReport& report) {
  std::array<std::vector<ResultTable>, 2> tables;
  for (std::size_t i = 0; i < 2; ++i) {
    STREAM_ASSIGN(tables[i], tables_of(paths[i]));
    if (!settings.table.empty()) STREAM_TRY(check_table(settings.table, tables[i], paths[i]));
  }
  std::vector<ResultPair> pairs;
  for (std::size_t i = 0; i < 2; ++i) {
    for (const ResultTable& table : tables[i]) {
      if (!settings.table.empty() && table.name != settings.table) continue;
      const ResultTable* other = find(tables[1 - i], table.name);
      if (other == nullptr)
        STREAM_TRY(report.missing(table.name, std::string("this table is only in ") + (i == 0 ? "A" : "B")));
      else if (i == 0)
        pairs.push_back(table_pair(paths, {&table, other}, settings));
    }
  }
  return pairs;
}

// One side is a database, the other is not: its only table, or the one that was named.
Result<ResultPlace> place_of(const std::string& path, ResultForm form, const CompareSettings& settings) {
  if (form != ResultForm::kSqlite) return ResultPlace{.path = path, .form = form};
  STREAM_ASSIGN(const std::vector<ResultTable> tables, tables_of(path));
  if (!settings.table.empty()) {
    STREAM_TRY(check_table(settings.table, tables, path));
    return ResultPlace{.path = path, .form = form, .table = settings.table};
  }
  if (tables.size() == 1) return ResultPlace{.path = path, .form = form, .table = tables[0].name};
  return usage_error("'" + path + "' has the tables " + join(names_of(tables), ", ") + ": choose one with --table");
}

}  // namespace

bool is_result(const std::string& path) {
  std::error_code error;
  return std::filesystem::exists(path, error) && !load_savepoint(path).ok();
}

Result<std::vector<ResultPair>> pairs_of(const std::array<std::string, 2>& paths, const CompareSettings& settings,
                                         CompareReport& report) {
  std::array<ResultForm, 2> forms{};
  for (std::size_t i = 0; i < 2; ++i) { STREAM_ASSIGN(forms[i], form_of(paths[i])); }
  const auto sqlite = std::ranges::count(forms, ResultForm::kSqlite);
  if (sqlite == 2) return pairs_of_databases(paths, settings, report);
  if (sqlite == 0 && !settings.table.empty()) return usage_error("--table names a table, and files of rows have none");
  ResultPair pair{.of = settings.table.empty() ? "rows" : settings.table, .options = settings.diff};
  for (std::size_t i = 0; i < 2; ++i) { STREAM_ASSIGN(pair.places[i], place_of(paths[i], forms[i], settings)); }
  return std::vector{std::move(pair)};
}

Status compare_pair(ResultPair pair, const std::string& scratch, CompareReport& report) {
  STREAM_ASSIGN(const auto comparison, ResultComparison::start(std::move(pair), scratch, kNetBytesMax));
  STREAM_TRY(comparison->read_on(0).status());
  return report.add(*comparison);
}

}  // namespace stream
