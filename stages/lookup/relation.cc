#include "stages/lookup/relation.h"

#include "snapshot/sqlite.h"
#include "stages/postgres/connection.h"
#include "stages/postgres/values.h"
#include "transport/base/text.h"

namespace stream {
namespace {

// With the table before it: alone, SQLite takes the name of a column that is gone for a text in quotes.
std::string column_name(const Field& field) { return "ref_." + sql_name(field.name); }

std::vector<std::string> column_names(const Schema& schema) {
  std::vector<std::string> names;
  for (const Field& field : schema.fields) names.push_back(column_name(field));
  return names;
}

std::string_view without_semicolon(std::string_view query) {
  query = trim(query);
  while (query.ends_with(';')) query = trim(query.substr(0, query.size() - 1));
  return query;
}

}  // namespace

std::string relation_of(const Reference& reference) {
  // A comment at the query's end must not swallow the parenthesis.
  if (reference.table.empty()) return "(" + std::string(without_semicolon(reference.query)) + "\n) as ref_";
  return (reference.kind == ReferenceKind::kPostgres ? pg_table(reference.table) : sql_name(reference.table)) +
         " as ref_";
}

std::string select_all(const Reference& reference, const Schema& schema) {
  return "select " + join(column_names(schema), ", ") + " from " + relation_of(reference);
}

std::string select_key(const Reference& reference, const Schema& schema, const std::vector<std::size_t>& key) {
  std::string sql = select_all(reference, schema);
  for (std::size_t i = 0; i < key.size(); ++i) {
    sql += (i == 0 ? " where " : " and ") + column_name(schema.fields[key[i]]) + " = ?" + std::to_string(i + 1);
  }
  return sql;
}

std::string select_keys(const Reference& reference, const Schema& schema, const std::vector<std::size_t>& key) {
  std::string names;
  std::string arrays;
  for (std::size_t i = 0; i < key.size(); ++i) {
    const Field& field = schema.fields[key[i]];
    names += (i == 0 ? "" : ", ") + column_name(field);
    arrays += (i == 0 ? "$" : ", $") + std::to_string(i + 1) + "::" + pg_type(field.type) + "[]";
  }
  return select_all(reference, schema) + " where (" + names + ") in (select * from unnest(" + arrays + "))";
}

std::string array_text(const Column& keys) {
  std::string out = "{";
  for (std::size_t row = 0; row < keys.size(); ++row) {
    out += row == 0 ? "\"" : ",\"";
    for (const char c : pg_text(keys, row)) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    out += '"';
  }
  return out + "}";
}

}  // namespace stream
