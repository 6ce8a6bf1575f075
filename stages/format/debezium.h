// DebeziumDecoder: the changes of a table's rows, as Debezium writes them as JSON, one a line.
//
//   {"before": {…} or null, "after": {…} or null, "op": "c", "ts_ms": …}
//   {"schema": {…}, "payload": {what stands above}}
//
// c and r, a row created or read by a snapshot, insert `after`; u is an update of `before` to `after`, or where they
// differ in the key a deletion and an insertion; d deletes `before`. t, m (truncation, message) are bad records, as no
// row stands in them. A tombstone, null, is skipped.
//
// An update must say what it was before, with every column that is wanted: who counts or sums has to take the old
// values back. The database is told to log them: REPLICA IDENTITY FULL, binlog_row_image=FULL. A value that Debezium
// says it does not know, being large and unchanged, is taken from `before`.
#pragma once

#include "stages/format/json_row.h"

namespace stream::format {

// What is said of the row in one record.
struct Change {
  char op = 0;         // c r u d; 0: a tombstone
  JsonField before{};  // value null: not there, or JSON's null
  JsonField after{};
};

// Reads the record, which a newline ends; `object` is scratch. False: `reason` says why.
bool split_change(const char* record, JsonObject& object, Change& change, std::string& reason);

class DebeziumDecoder final : public Decoder {
 public:
  DebeziumDecoder(DecoderSetup setup, TextRules rules);

 protected:
  const char* decode_records(const char* begin, const char* end, bool last, BatchBuilder& batch) override;

 private:
  bool decode_record(BatchBuilder& batch);
  bool read_one(const JsonField& value, RowKind kind, BatchBuilder& batch);
  bool read_update(BatchBuilder& batch);
  bool split_row(const JsonField& value, JsonObject& object, JsonRow& row);
  bool complete(const JsonRow& before, const JsonRow& after);
  void fill_unavailable();
  bool same_key();

  TextRules rules_;
  std::vector<std::size_t> key_;  // of the wanted columns
  JsonObject envelope_;
  Change change_;
  JsonObject before_;
  JsonObject after_;
  JsonRow before_row_;
  JsonRow after_row_;
  std::string reason_;
};

}  // namespace stream::format
