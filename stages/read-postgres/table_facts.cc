#include "stages/read-postgres/table_facts.h"

#include <nlohmann/json.hpp>

#include "stages/postgres/values.h"

namespace stream {
namespace {

constexpr const char* kColumns =
    "SELECT attname, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute WHERE attrelid = to_regclass($1) "
    "AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum";
constexpr const char* kKey =
    "SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY "
    "(i.indkey::int2[]) WHERE i.indrelid = to_regclass($1) AND i.indisprimary ORDER BY "
    "array_position(i.indkey::int2[], "
    "a.attnum)";

Status check_kind(const PgRows& found, const std::string& table, const std::string& server) {
  const std::string where = "'" + table + "' in PostgreSQL '" + server + "'";
  if (found.size() == 0) return {Code::kNotFound, "there is no table " + where};
  const std::string kind = found.text(0, 0);
  if (kind != "r" && kind != "p") return usage_error(where + " is no table");
  if (found.text(0, 1) != "i") return {};
  return usage_error("table " + where + " has REPLICA IDENTITY USING INDEX; make it DEFAULT or FULL");
}

}  // namespace

std::vector<std::string> TableFacts::key_names() const {
  std::vector<std::string> names;
  for (const std::size_t column : key) names.push_back(columns[column].name);
  return names;
}

std::string output_of_table(std::string_view table) {
  const std::size_t dot = table.find('.');
  return std::string(dot == std::string_view::npos ? table : table.substr(dot + 1));
}

Result<TableFacts> describe_table(PgConnection& server, const std::string& table) {
  const PgConnection::Parameters name = {pg_table(table)};
  STREAM_ASSIGN(const PgRows found,
                server.query("SELECT relkind, relreplident FROM pg_class WHERE oid = to_regclass($1)", name));
  STREAM_TRY(check_kind(found, table, server.name()));
  TableFacts facts{table, output_of_table(table), {}, {}, found.text(0, 1) == "f"};
  Schema schema;
  STREAM_ASSIGN(const PgRows columns, server.query(kColumns, name));
  for (std::size_t i = 0; i < columns.size(); ++i) {
    schema.fields.push_back({columns.text(i, 0), type_of_pg(columns.text(i, 1))});
  }
  STREAM_ASSIGN(const PgRows key, server.query(kKey, name));
  for (std::size_t i = 0; i < key.size(); ++i) {
    if (const auto at = schema.find(key.text(i, 0))) facts.key.push_back(*at);
  }
  if (facts.key.size() != key.size()) facts.key.clear();
  facts.columns = std::move(schema.fields);
  return facts;
}

std::string to_json(const std::vector<TableFacts>& tables) {
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  for (const TableFacts& facts : tables) {
    all.push_back({{"table", facts.table},
                   {"columns", to_string(Schema{facts.columns, std::nullopt, {}})},
                   {"key", facts.key},
                   {"full", facts.full}});
  }
  return all.dump();
}

Result<std::vector<TableFacts>> table_facts_from_json(std::string_view json) {
  std::vector<TableFacts> tables;
  try {
    for (const auto& one : nlohmann::json::parse(json)) {
      TableFacts facts;
      facts.table = one.at("table").get<std::string>();
      facts.output = output_of_table(facts.table);
      STREAM_ASSIGN(Schema schema, parse_schema(one.at("columns").get<std::string>()));
      facts.columns = std::move(schema.fields);
      facts.key = one.at("key").get<std::vector<std::size_t>>();
      facts.full = one.at("full").get<bool>();
      tables.push_back(std::move(facts));
    }
  } catch (const nlohmann::json::exception& error) {
    return usage_error(std::string("not a description of tables: ") + error.what());
  }
  return tables;
}

}  // namespace stream
