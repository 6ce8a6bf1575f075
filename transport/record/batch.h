// Batch: what travels: up to 64 Ki rows of one schema, by column.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "transport/record/column.h"
#include "transport/record/schema.h"

namespace stream {

enum class RowKind : std::uint8_t { kInsert = 0, kUpdateBefore = 1, kUpdateAfter = 2, kDelete = 3 };

inline constexpr std::size_t kBatchRowsMax = 65536;
inline constexpr std::size_t kBatchBytesTarget = 256 * 1024;

struct Batch {
  SchemaPtr schema;
  std::size_t rows = 0;
  std::vector<Column> columns;  // as many as schema->fields, each of `rows` values
  Buffer kinds;                 // a RowKind a row; empty = all inserts

  RowKind kind(std::size_t row) const {
    return kinds.empty() ? RowKind::kInsert : static_cast<RowKind>(kinds.data()[row]);
  }
  std::size_t size_bytes() const;

  // The rows at the given positions, in that order.
  Batch take(std::span<const std::uint32_t> positions) const;
  // Rows [begin, end), copied.
  Batch slice(std::size_t begin, std::size_t end) const;
};

// Builds batches of one schema row by row, column by column.
class BatchBuilder {
 public:
  explicit BatchBuilder(SchemaPtr schema);

  const SchemaPtr& schema() const { return schema_; }
  ColumnBuilder& column(std::size_t index) { return columns_[index]; }
  // Call after every column got its value of the row.
  void end_row(RowKind kind = RowKind::kInsert);
  // Undoes what the columns got since the last end_row().
  void drop_row();
  // Appends one row of another batch of the same schema, kind included.
  void append_row(const Batch& from, std::size_t row);
  // Appends the rows at these positions, or all of them.
  void append_rows(const Batch& from, std::span<const std::uint32_t> rows);
  void append_all(const Batch& from);

  std::size_t rows() const { return rows_; }
  std::size_t size_bytes() const;
  // The batch target is reached: time to hand over. Before that there is room for two rows more, an update's.
  bool full() const { return rows_ >= kBatchRowsMax - 1 || size_bytes() >= kBatchBytesTarget; }

  // Hands the batch over and leaves the builder empty.
  Batch finish();

 private:
  void append_kinds(const Batch& from, std::size_t count, const std::uint32_t* rows);

  SchemaPtr schema_;
  std::size_t rows_ = 0;
  std::vector<ColumnBuilder> columns_;
  ByteBuilder kinds_;  // filled from the first row that is no insert on
  bool has_kinds_ = false;
};

}  // namespace stream
