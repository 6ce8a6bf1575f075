// PgTarget: the table rows go to: made or checked, then written by COPY, which makes it fast.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "stages/postgres/connection.h"
#include "transport/record/batch.h"

namespace stream {

class PgTarget {
 public:
  // `name` may be schema.table. `key`: columns that identify a row; empty = every row is inserted.
  PgTarget(std::string name, SchemaPtr schema, std::vector<std::size_t> key);

  // All of these within a transaction of the caller. Errors: kUsage if it is no table.
  Result<bool> exists(PgConnection& server) const;
  Status create(PgConnection& server) const;
  Status drop(PgConnection& server) const;
  // Those that it lacks and that are in no key.
  Status add_columns(PgConnection& server) const;
  // Errors: kUsage if the table lacks a column, or a unique index on the key.
  Status check(PgConnection& server) const;

  // Errors: kBadRecord, with what the server says of the row, if the table refuses one.
  Status write(PgConnection& server, std::span<const Batch> batches) const;
  // Deletes the rows that these transactions have inserted. With a key nothing is to be done: the replay writes
  // the same rows again.
  Status take_back(PgConnection& server, const std::vector<std::string>& transactions) const;

 private:
  Status insert(PgConnection& server, std::span<const Batch> batches) const;
  Status merge(PgConnection& server, std::span<const Batch> batches) const;
  Status name_row(Status refused, std::span<const Batch> batches) const;
  Status check_key(PgConnection& server) const;
  Result<std::vector<std::string>> columns_there(PgConnection& server) const;
  std::string columns() const;
  std::string column(std::size_t index) const;

  std::string name_;   // as the user wrote it
  std::string table_;  // quoted
  SchemaPtr schema_;
  std::vector<std::size_t> key_;
};

}  // namespace stream
