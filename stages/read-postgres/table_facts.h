// TableFacts: what a server says about a table, found when a job is planned and kept as long as it goes on.
#pragma once

#include <string>
#include <vector>

#include "stages/postgres/connection.h"
#include "transport/record/schema.h"

namespace stream {

struct TableFacts {
  std::string table;             // as the user wrote it: NAME or SCHEMA.NAME
  std::string output;            // the name behind the dot
  std::vector<Field> columns;    // without generated ones, which the server does not send
  std::vector<std::size_t> key;  // of `columns`: the primary key; empty = none
  bool full = false;             // REPLICA IDENTITY FULL: changes carry the whole row as it was

  std::vector<std::string> key_names() const;
  friend bool operator==(const TableFacts&, const TableFacts&) = default;
};

// The output of a table's rows.
std::string output_of_table(std::string_view table);

// Errors: kNotFound if there is no such table; kUsage if it is a view, or its changes name rows by an index.
Result<TableFacts> describe_table(PgConnection& server, const std::string& table);

// All tables as one text, and back.
std::string to_json(const std::vector<TableFacts>& tables);
Result<std::vector<TableFacts>> table_facts_from_json(std::string_view json);

}  // namespace stream
