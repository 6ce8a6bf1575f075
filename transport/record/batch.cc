#include "transport/record/batch.h"

#include <numeric>

namespace stream {

std::size_t Batch::size_bytes() const {
  std::size_t sum = kinds.size();
  for (const Column& column : columns) sum += column.size_bytes();
  return sum;
}

Batch Batch::take(std::span<const std::uint32_t> positions) const {
  Batch out{schema, positions.size(), {}, {}};
  out.columns.reserve(columns.size());
  for (const Column& column : columns) out.columns.push_back(column.take(positions));
  if (!kinds.empty()) {
    ByteBuilder builder;
    std::uint8_t* to = builder.extend(positions.size());
    for (std::size_t i = 0; i < positions.size(); ++i) to[i] = kinds.data()[positions[i]];
    out.kinds = builder.finish();
  }
  return out;
}

// Values of one width that are all there are shared, not copied.
Batch Batch::slice(std::size_t begin, std::size_t end) const {
  if (begin == 0 && end == rows) return *this;
  const std::size_t count = end - begin;
  std::vector<std::uint32_t> positions(count);
  std::iota(positions.begin(), positions.end(), static_cast<std::uint32_t>(begin));
  Batch part{schema, count, {}, {}};
  for (const Column& column : columns) {
    const std::size_t width = column.type().width();
    const Buffer& values = column.values_buffer();
    if (column.type().variable() || column.has_nulls()) {
      part.columns.push_back(column.take(positions));
    } else {
      part.columns.emplace_back(column.type(), count, Buffer(),
                                Buffer(values.owner(), values.data() + begin * width, count * width));
    }
  }
  if (!kinds.empty()) part.kinds = Buffer(kinds.owner(), kinds.data() + begin, count);
  return part;
}

BatchBuilder::BatchBuilder(SchemaPtr schema) : schema_(std::move(schema)) {
  columns_.reserve(schema_->fields.size());
  for (const Field& field : schema_->fields) columns_.emplace_back(field.type);
}

void BatchBuilder::end_row(RowKind kind) {
  if (kind != RowKind::kInsert && !has_kinds_) {
    has_kinds_ = true;
    if (rows_ != 0) std::memset(kinds_.extend(rows_), 0, rows_);
  }
  if (has_kinds_) kinds_.append_value(kind);
  ++rows_;
}

void BatchBuilder::drop_row() {
  for (ColumnBuilder& column : columns_) {
    if (column.size() > rows_) column.truncate(rows_);
  }
}

void BatchBuilder::append_row(const Batch& from, std::size_t row) {
  for (std::size_t i = 0; i < columns_.size(); ++i) columns_[i].append_from(from.columns[i], row);
  end_row(from.kind(row));
}

// Adds the kinds of `count` rows of `from` and counts the rows.
void BatchBuilder::append_kinds(const Batch& from, std::size_t count, const std::uint32_t* rows) {
  if (!from.kinds.empty() && !has_kinds_) {
    has_kinds_ = true;
    if (rows_ != 0) std::memset(kinds_.extend(rows_), 0, rows_);
  }
  if (has_kinds_) {
    std::uint8_t* out = kinds_.extend(count);
    for (std::size_t i = 0; i < count; ++i) out[i] = static_cast<std::uint8_t>(from.kind(rows ? rows[i] : i));
  }
  rows_ += count;
}

void BatchBuilder::append_rows(const Batch& from, std::span<const std::uint32_t> rows) {
  for (std::size_t i = 0; i < columns_.size(); ++i) columns_[i].append_rows(from.columns[i], rows);
  append_kinds(from, rows.size(), rows.data());
}

void BatchBuilder::append_all(const Batch& from) {
  for (std::size_t i = 0; i < columns_.size(); ++i) columns_[i].append_all(from.columns[i]);
  append_kinds(from, from.rows, nullptr);
}

std::size_t BatchBuilder::size_bytes() const {
  std::size_t sum = kinds_.size();
  for (const ColumnBuilder& column : columns_) sum += column.size_bytes();
  return sum;
}

Batch BatchBuilder::finish() {
  Batch batch{schema_, rows_, {}, {}};
  batch.columns.reserve(columns_.size());
  for (ColumnBuilder& column : columns_) {
    STREAM_CHECK(column.size() == rows_);
    batch.columns.push_back(column.finish());
  }
  if (has_kinds_) batch.kinds = kinds_.finish();
  has_kinds_ = false;
  rows_ = 0;
  return batch;
}

}  // namespace stream
