// TableFeed: the changes of one table as a stream of changes with both sides, keyed by its primary key.
//
// What a row was before a change is known from the change itself under REPLICA IDENTITY FULL; else the rows of
// the table are kept in a state table. While the table is first read they are kept in any case: if reading has to
// begin anew, only what is different from what was emitted is emitted.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "snapshot/state_store.h"
#include "stages/kit/stage.h"
#include "stages/read-postgres/row_reader.h"
#include "stages/read-postgres/table_facts.h"

namespace stream {

class TableFeed {
 public:
  // An output the rows go to, with those of the table's columns that are used behind it.
  struct Port {
    std::size_t output = 0;
    SchemaPtr schema;
  };

  static TableSpec rows_spec(const TableFacts& facts);

  TableFeed(StateStore& store, TableFacts facts, std::vector<Port> ports);

  const TableFacts& facts() const { return facts_; }

  // --- the first reading, in passes: a row that this pass has not seen is gone -----------------------------
  Status read(const PgTuple& row, std::int64_t pass, Emitter& out);
  // Deletes about a batch of rows of earlier passes. False: there are none any more.
  Result<bool> sweep(std::int64_t pass, Emitter& out);
  // The table has been read: from here on changes come.
  void follow();

  // --- changes; `place` is for messages ---------------------------------------------------------------------
  Status insert(const PgTuple& after, const std::string& place, Emitter& out);
  Status update(const std::optional<PgTuple>& before, const PgTuple& after, const std::string& place, Emitter& out);
  Status erase(const PgTuple& before, const std::string& place, Emitter& out);
  // Deletes about a batch of all rows. False: there are none any more. Errors: kUsage if they are not known.
  Result<bool> truncate(Emitter& out);

  Status flush(Emitter& out);

 private:
  struct OpenPort {
    Port port;
    std::vector<std::size_t> columns;  // of the table
    BatchBuilder batch;
  };

  Row find(const Batch& row) const;
  void store(Row row, const ReadRow& from);
  void fill_unchanged(ReadRow& row, Row from) const;
  bool equal(Row known, const Batch& row) const;
  void emit(RowKind kind, Row row);
  void emit(RowKind kind, const Batch& row);
  Status change(Row known, const ReadRow& after);
  Status replace_kept(const Batch& before, ReadRow after);
  Status replace_sent(const ReadRow& before, ReadRow after);
  Status report(const ReadRow& row, const std::string& place, Emitter& out) const;
  Status flush_full(Emitter& out);
  Result<bool> erase_some(std::optional<std::int64_t> pass, Emitter& out);

  TableFacts facts_;
  RowReader reader_;
  StateTable& rows_;
  std::vector<std::size_t> state_column_;  // of each of the table's columns
  std::size_t pass_column_;
  std::vector<OpenPort> ports_;
  bool kept_ = true;
};

}  // namespace stream
