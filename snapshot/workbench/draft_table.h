// The SQL of a state table as it stands in a StateDraft: its columns with what each may hold, its key, its key group.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "snapshot/table_spec.h"

struct sqlite3;

namespace stream {

// Of tables whose rows stay with an instance, which they do not tell by their keys.
inline constexpr std::string_view kInstanceColumn = "_instance";
inline bool by_instance(const TableSpec& spec) {
  return spec.distribution == Distribution::kShared || spec.distribution == Distribution::kOutbox;
}

class DraftTable {
 public:
  DraftTable(std::size_t number, const std::string& name, const TableSpec& spec)
      : number_(number), name_(name), spec_(spec) {}

  std::string create() const;       // the table, and the index that makes its key unique, NULL or not
  std::string insert() const;       // one row; nothing where its key is there
  std::string replace() const;      // one row, instead of that with its key
  std::string count_equal() const;  // how many rows are equal in every column
  std::string group() const;        // an expression: the key group of the row
  std::string names() const;        // all columns
  std::size_t parameters() const;   // of insert(), replace() and count_equal()
  const std::string& name() const { return name_; }

 private:
  std::string key_index() const;
  std::string values(std::string_view verb) const;

  std::size_t number_;
  std::string name_;
  const TableSpec& spec_;
};

// What the SQL calls: stream_is('TIMESTAMP', value), stream_key_group(TABLE NUMBER, columns that place a row…).
// `tables` outlives the connection.
struct DraftTables {
  std::vector<const TableSpec*> specs;
  std::uint32_t key_groups = 0;
};
void add_draft_functions(sqlite3* db, const DraftTables& tables);

}  // namespace stream
