#include <algorithm>
#include <set>

#include "stages/read-postgres/cdc_position.h"
#include "stages/read-postgres/poll.h"
#include "stages/read-postgres/read_postgres.h"
#include "stages/read-postgres/table_feed.h"
#include "transport/base/secret.h"
#include "transport/base/text.h"

namespace stream {
namespace {

void check_tables(const Values& options, PlanAnswer& answer) {
  std::set<std::string> outputs = {"out", "errors"};
  for (const std::string& table : options.list("tables")) {
    if (std::ranges::count(table, '.') > 1 || table.starts_with('.') || table.ends_with('.')) {
      answer.errors.push_back({"tables", 0, "'" + table + "' is no name of a table", "write TABLE or SCHEMA.TABLE"});
    } else if (!outputs.insert(output_of_table(table)).second) {
      answer.errors.push_back({"tables", 0, "there is an output '" + output_of_table(table) + "' already", ""});
    }
  }
}

void check_options(const PlanRequest& request, PlanAnswer& answer) {
  const Values& options = request.options;
  const std::string& mode = options.text("mode");
  const auto useless = [&](const char* name, const char* with) {
    if (options.has(name) && mode != with) {
      answer.errors.push_back({name, 0, "has a meaning with mode: " + std::string(with) + " only", ""});
    }
  };
  useless("column", "poll");
  useless("publication", "cdc");
  useless("slot", "cdc");
  if (mode == "poll" && !options.has("column")) {
    answer.errors.push_back(
        {"column", 0, "mode: poll needs the column by which rows come", "name one that only grows"});
  }
  if (mode == "cdc" && !request.supervised) {
    answer.errors.push_back({"mode", 0, "cdc needs a job, which keeps its position",
                             "write it behind `stream run`, or use mode: snapshot"});
  }
  if (options.flag("drop")) {
    answer.errors.push_back({"drop", 0, "is a command for stream-read-postgres alone", "leave it out"});
  }
}

// What the job has kept, or what the server says now.
Result<std::vector<TableFacts>> facts_of(const PlanRequest& request) {
  if (request.options.has("described")) return table_facts_from_json(request.options.text("described"));
  STREAM_ASSIGN(const std::string dsn, read_secret(system_files(), request.folder, request.options.text("dsn")));
  STREAM_ASSIGN(const auto server, PgConnection::open(dsn, {"stream/plan", false}));
  std::vector<TableFacts> tables;
  for (const std::string& table : request.options.list("tables")) {
    STREAM_ASSIGN(TableFacts facts, describe_table(*server, table));
    tables.push_back(std::move(facts));
  }
  return tables;
}

void check_facts(const TableFacts& facts, const PlanRequest& request, PlanAnswer& answer) {
  const std::string& mode = request.options.text("mode");
  const std::string& column = request.options.text("column");
  const Schema schema{facts.columns, std::nullopt, {}};
  if (mode == "poll") {
    if (schema.find(column)) return;
    const std::string near = nearest(column, schema.names());
    answer.errors.push_back({"column", 0, "table '" + facts.table + "' has no column '" + column + "'",
                             near.empty() ? "" : "did you mean '" + near + "'?"});
  } else if (facts.key.empty()) {
    answer.errors.push_back(
        {"tables", 0, "table '" + facts.table + "' has no primary key", "add one: by it rows are told apart"});
  }
}

OutputPlan output_of(std::string name, const TableFacts& facts, bool changes) {
  OutputPlan output{std::move(name), {facts.columns, std::nullopt, facts.key}, {}};
  if (changes) output.schema.changelog = Changelog::kUpdates;
  output.lineage.resize(facts.columns.size());
  return output;
}

}  // namespace

PlanAnswer plan_read_postgres(const PlanRequest& request) {
  PlanAnswer answer;
  check_tables(request.options, answer);
  check_options(request, answer);
  if (!answer.errors.empty()) return answer;
  answer.parallelism_max = 1;
  answer.parallelism_why = "one instance follows all tables, in the order of their changes";
  const auto tables = facts_of(request);
  if (!tables.ok()) {
    const bool table = tables.status().code() == Code::kNotFound;
    answer.errors.push_back({table ? "tables" : "dsn", 0, tables.status().what(), ""});
    return answer;
  }
  answer.fixed["described"] = to_json(*tables);
  const bool cdc = request.options.text("mode") == "cdc";
  for (const TableFacts& facts : *tables) check_facts(facts, request, answer);
  if (!answer.errors.empty()) return answer;
  answer.outputs.push_back(output_of("out", tables->front(), cdc));
  for (const TableFacts& facts : *tables) {
    answer.outputs.push_back(output_of(facts.output, facts, cdc));
    if (cdc) answer.state.push_back(TableFeed::rows_spec(facts));
  }
  answer.state.push_back(cdc ? CdcPositionTable::spec() : PolledPositions::spec());
  return answer;
}

}  // namespace stream
