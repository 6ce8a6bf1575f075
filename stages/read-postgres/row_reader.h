// RowReader: a row as PostgreSQL prints its values, as values of our types.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "stages/format/value.h"
#include "stages/read-postgres/pgoutput.h"
#include "transport/record/batch.h"

namespace stream {

struct ReadRow {
  Batch row;                           // one row of all columns; NULL where something is wrong or missing
  std::vector<std::size_t> unchanged;  // columns whose value was not sent
  std::string wrong;                   // why it is no row: "column 'n': not a valid BIGINT: x"
};

class RowReader {
 public:
  explicit RowReader(SchemaPtr schema) : schema_(std::move(schema)), batch_(schema_), values_(format::TimeRules()) {}

  // A value a column of the schema.
  ReadRow read(const PgTuple& values);
  const SchemaPtr& schema() const { return schema_; }

 private:
  bool read_value(std::string_view text, ColumnBuilder& out);

  SchemaPtr schema_;
  BatchBuilder batch_;
  format::ValueReader values_;
  std::string scratch_;
};

// The values of a line of COPY's text format, unescaped; `store` holds their bytes.
PgTuple split_copy_line(std::string_view line, std::string& store);

}  // namespace stream
