// ResultReader: the rows of a result that stands in files: NDJSON, CSV, folders of either, tables of SQLite.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "compare/result_value.h"
#include "transport/base/status.h"

namespace stream {

class ResultReader {
 public:
  virtual ~ResultReader() = default;

  // Moves to the next row; false where there is none (of a file that grows: not yet). Errors: kUsage for a line that
  // is no row, with its place; kSystem, kNotFound, kCorrupt.
  virtual Result<bool> next() = 0;

  const std::vector<std::string>& columns() const { return columns_; }  // only grows
  std::span<const ResultValue> values() const { return values_; }       // of the row; perhaps fewer than columns
  int times() const { return times_; }                                  // -1: a row is taken back

 protected:
  // Of a change that write-file has written, by its `_op`.
  bool take_operation(const std::string& name, const std::string& text);

  std::vector<std::string> columns_;
  std::vector<ResultValue> values_;
  int times_ = 1;
};

enum class ResultForm : std::uint8_t { kNdjson, kCsv, kSqlite };

// By what the path is and is called. Errors: kUsage, kNotFound.
Result<ResultForm> form_of(const std::string& path);

// A file or folder of rows. `growing`: one file, of which a line without an end is not read until it has one. Errors:
// as next().
Result<std::unique_ptr<ResultReader>> read_rows(const std::string& path, ResultForm form, bool growing);
// A table. Its rows are those of one moment.
Result<std::unique_ptr<ResultReader>> read_table(const std::string& path, const std::string& table);

struct ResultTable {
  std::string name;
  std::vector<std::string> key;  // primary key or UNIQUE columns; empty if there are none
};
// Tables of the database, but not those in which stages keep what is theirs.
Result<std::vector<ResultTable>> tables_of(const std::string& path);

// What the first rows tell.
struct FirstRows {
  std::vector<std::string> columns = {};
  std::set<std::string> reals = {};  // columns that are numbers with a fraction somewhere
};
Result<FirstRows> look_at_rows(const std::string& path, ResultForm form, const std::string& table);

}  // namespace stream
