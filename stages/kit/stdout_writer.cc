#include "stages/kit/stdout_writer.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "stages/kit/state_names.h"
#include "transport/record/key.h"

namespace stream {
namespace {

constexpr std::size_t kWriteAt = 64 * 1024;
constexpr std::size_t kScanRows = 4096;

}  // namespace

StdoutWriter::StdoutWriter(EncoderOptions options, SchemaPtr schema, Updates updates, StateStore& store,
                           std::optional<std::size_t> raw_line)
    : schema_(std::move(schema)), raw_line_(raw_line) {
  const bool changes = schema_->changelog == Changelog::kUpdates;
  const bool keep_rows = changes && updates == Updates::kFinal;
  options.row_kinds = changes && !keep_rows;
  encoder_ = make_encoder(options, schema_);
  if (!keep_rows) return;
  keep_rows_in(store);
}

// Rows without a key are kept by all they hold, and counted.
void StdoutWriter::keep_rows_in(StateStore& store) {
  TableSpec spec;
  spec.name = "kit_final_rows";
  key_ = schema_->key;
  counted_ = key_.empty();
  for (std::size_t i = 0; counted_ && i < schema_->fields.size(); ++i) key_.push_back(i);
  StateColumnNames names;
  const auto named = [&](std::size_t column) {
    return Field{names.add(schema_->fields[column].name), schema_->fields[column].type};
  };
  for (const std::size_t column : key_) spec.key.push_back(named(column));
  for (std::size_t i = 0; i < schema_->fields.size(); ++i) {
    if (std::ranges::find(key_, i) != key_.end()) continue;
    value_.push_back(i);
    spec.value.push_back(named(i));
  }
  if (counted_) spec.value.push_back({names.add("copies"), kBigint});
  kept_ = &store.table(spec);
}

Status StdoutWriter::write(const Batch& batch) {
  if (kept_ != nullptr) {
    keep(batch);
    return {};
  }
  if (raw_line_) {
    write_lines(batch);
  } else {
    encoder_->encode(batch, out_);
  }
  return out_.size() >= kWriteAt ? flush() : Status();
}

void StdoutWriter::write_lines(const Batch& batch) {
  const Column& lines = batch.columns[*raw_line_];
  for (std::size_t row = 0; row < batch.rows; ++row) {
    const std::string_view line = lines.bytes(row);
    out_.append(line.data(), line.size());
    out_.append("\n", 1);
  }
}

void StdoutWriter::keep(const Batch& batch) {
  std::vector<std::uint64_t> hashes(batch.rows);
  hash_keys(batch, key_, hashes);
  std::vector<Row> rows(batch.rows);
  for (std::uint32_t i = 0; i < batch.rows; ++i) {
    const RowKind kind = batch.kind(i);
    if (kind == RowKind::kUpdateBefore && !counted_) continue;  // its update-after follows
    const Batch one = batch.take({&i, 1});
    Row row;
    if (kind == RowKind::kUpdateBefore || kind == RowKind::kDelete) {
      kept_->find(one, key_, {&hashes[i], 1}, {&row, 1});
      if (row && (!counted_ || --*copies(row) == 0)) kept_->erase(row);
      continue;
    }
    kept_->upsert(one, key_, {&hashes[i], 1}, {&row, 1}, {});
    if (counted_) ++*copies(row);
    for (std::size_t v = 0; v < value_.size(); ++v) kept_->set_from(row, key_.size() + v, one.columns[value_[v]], 0);
  }
}

Status StdoutWriter::emit_kept() {
  TableCursor cursor;
  std::vector<Row> rows(kScanRows);
  for (;;) {
    const std::size_t count = kept_->scan(cursor, rows);
    STREAM_TRY(encode({rows.data(), count}));
    for (std::size_t i = 0; counted_ && i < count; ++i) {
      for (std::int64_t more = 1; more < *copies(rows[i]); ++more) STREAM_TRY(encode({&rows[i], 1}));
    }
    if (count < rows.size()) return {};
  }
}

Status StdoutWriter::encode(std::span<const Row> rows) {
  Batch batch{schema_, rows.size(), std::vector<Column>(schema_->fields.size()), {}};
  for (std::size_t i = 0; i < key_.size(); ++i) batch.columns[key_[i]] = kept_->gather(rows, i);
  for (std::size_t i = 0; i < value_.size(); ++i) batch.columns[value_[i]] = kept_->gather(rows, key_.size() + i);
  encoder_->encode(batch, out_);
  return out_.size() >= kWriteAt ? flush() : Status();
}

Status StdoutWriter::flush() {
  std::size_t done = 0;
  while (done < out_.size()) {
    const ssize_t n = ::write(1, out_.data() + done, out_.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_error("write to", "standard output", errno);
    done += static_cast<std::size_t>(n);
  }
  out_.shrink(0);
  return {};
}

Status StdoutWriter::finish() {
  if (kept_ != nullptr) STREAM_TRY(emit_kept());
  if (!raw_line_) encoder_->finish(out_);
  return flush();
}

}  // namespace stream
