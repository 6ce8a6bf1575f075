// Rows that a user gives: from a CSV file with a header, from NDJSON, or from a query of an SQLite database.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "transport/base/status.h"

namespace stream {

struct GivenValue {
  std::string column;
  std::optional<std::string> text;  // none is NULL; bytes are hexadecimal digits
  std::string json = {};            // the same where a text of JSON is wanted, if that differs: "text" in quotes
};
using GivenRow = std::vector<GivenValue>;

class GivenRows {
 public:
  virtual ~GivenRows() = default;
  // False at the end. Errors: kUsage with the place, kSystem.
  virtual Result<bool> next(GivenRow& row) = 0;
  // Where the last row stands: "rows.csv:7".
  virtual std::string place() const = 0;
};

// `from`: a file, or "FILE SELECT …" with a database. Without a query a database gives its table `table`. What a file
// is shows in what it holds: a database, lines that begin with '{', else CSV. An empty field of CSV is NULL, "" is an
// empty text. Errors: kUsage, kNotFound, kSystem.
Result<std::unique_ptr<GivenRows>> open_given_rows(const std::string& from, const std::string& table);

}  // namespace stream
