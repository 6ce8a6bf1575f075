#include "stages/lookup/lookup_rows.h"

#include <algorithm>
#include <numeric>

#include "stages/kit/fitting_rows.h"
#include "stages/kit/late_rows.h"
#include "stages/kit/row_text.h"
#include "transport/record/key.h"

namespace stream {
namespace {

constexpr std::size_t kPairs = 16384;  // looked at together, if no row has more partners
constexpr std::uint32_t kNone = ReferenceTable::kNone;

bool any_none(std::span<const std::uint32_t> partners) { return std::ranges::find(partners, kNone) != partners.end(); }

Column take_or_null(const Column& column, std::span<const std::uint32_t> rows, bool some_null) {
  if (!some_null) return column.take(rows);
  ColumnBuilder builder(column.type(), rows.size());
  for (const std::uint32_t row : rows) {
    if (row == kNone) {
      builder.append_null();
    } else {
      builder.append_from(column, row);
    }
  }
  return builder.finish();
}

}  // namespace

LookupRows::LookupRows(const LookupDesign& design, SchemaPtr output)
    : design_(design),
      output_(std::move(output)),
      needed_(design.joint.fields.size()),
      rest_needed_(design.joint.fields.size()),
      key_columns_(design.condition.equal.size()) {
  std::iota(key_columns_.begin(), key_columns_.end(), std::size_t{0});
  if (design.condition.rest) {
    for (const std::size_t column : design.condition.rest->columns()) rest_needed_[column] = true;
  }
  if (!output_) return;
  for (const Field& field : output_->fields) {
    const auto column = std::ranges::find(design.columns, field.name, &SelectedColumn::name);
    STREAM_CHECK(column != design.columns.end());
    columns_.push_back(column->expression);
    for (const std::size_t used : column->lineage) needed_[used] = true;
  }
  const auto is_text = [&](std::size_t column) {
    return needed_[column] && design.joint.fields[column].type.variable();
  };
  for (std::size_t i = 0; i < design.input_columns; ++i) {
    if (is_text(i)) texts_.push_back(i);
  }
  for (std::size_t i = 0; i < design.joint_of.size(); ++i) {
    if (is_text(design.joint_of[i])) partner_texts_.push_back(i);
  }
}

void LookupRows::keep(std::span<const std::uint32_t> rows) {
  batch_ = batch_.take(rows);
  for (Column& column : keys_.columns) column = column.take(rows);
  keys_.rows = rows.size();
}

Status LookupRows::drop_failed(std::vector<RowError>& errors, Emitter& out) {
  if (errors.empty()) return {};
  merge_row_errors(errors);
  STREAM_TRY(report_row_errors(batch_, errors, out));
  keep(rows_without(errors, batch_.rows));
  return {};
}

Status LookupRows::drop_timeless(Emitter& out) {
  if (!design_.event_time || !batch_.columns[*design_.event_time].has_nulls()) return {};
  std::vector<std::uint32_t> good;
  std::vector<std::uint32_t> none;
  STREAM_TRY(split_by_time(batch_, *design_.event_time, INT64_MIN, &good, &none, out));
  keep(good);
  return {};
}

Status LookupRows::take(Batch batch, Emitter& out) {
  batch_ = std::move(batch);
  table_.reset();
  keys_ = {nullptr, batch_.rows, {}, {}};
  std::vector<RowError> errors;
  for (const EqualExpression& equal : design_.condition.equal) {
    keys_.columns.push_back(equal.input.evaluate(batch_, &errors));
  }
  Status status = drop_failed(errors, out);
  if (status.ok()) status = drop_timeless(out);
  if (!status.ok()) batch_ = {};
  STREAM_TRY(status);
  hashes_.resize(batch_.rows);
  hash_keys(keys_, key_columns_, hashes_);
  return {};
}

void LookupRows::look_up(std::shared_ptr<const ReferenceTable> table) {
  table_ = std::move(table);
  found_.resize(batch_.rows);
  table_->find(keys_, hashes_, found_);
  next_ = 0;
}

// The partners of one row.
void LookupRows::pair(std::uint32_t row) {
  const std::uint32_t key = found_[row];
  if (key == kNone) return;
  if (design_.version) {
    const std::uint32_t partner = table_->valid_at(key, batch_.columns[*design_.event_time].value<std::int64_t>(row));
    if (partner == kNone) return;
    rows_.push_back(row);
    partners_.push_back(partner);
    return;
  }
  for (std::uint32_t partner = table_->begin(key); partner < table_->begin(key + 1); ++partner) {
    rows_.push_back(row);
    partners_.push_back(partner);
  }
}

// Of some thousand rows. Rows without a partner have no pair yet.
void LookupRows::pair_up() {
  rows_.clear();
  partners_.clear();
  if (!design_.version && table_->unique() && !any_none(found_)) {  // the common case: each row has one
    next_ = static_cast<std::uint32_t>(batch_.rows);
    rows_.resize(batch_.rows);
    std::iota(rows_.begin(), rows_.end(), 0U);
    partners_ = found_;
    return;
  }
  for (; next_ < batch_.rows && rows_.size() < kPairs; ++next_) pair(next_);
}

// Drops pairs for which the rest of the condition is not true.
Status LookupRows::keep_true(Emitter& out) {
  if (!design_.condition.rest || rows_.empty()) return {};
  std::vector<std::uint32_t> kept;
  std::vector<RowError> errors;
  design_.condition.rest->select(joint(rows_, partners_, rest_needed_), &kept, &errors);
  for (const RowError& error : errors) {
    STREAM_TRY(out.bad_record({error.reason, "", row_text(batch_, rows_[error.row])}));
  }
  for (std::size_t i = 0; i < kept.size(); ++i) {
    rows_[i] = rows_[kept[i]];
    partners_[i] = partners_[kept[i]];
  }
  rows_.resize(kept.size());
  partners_.resize(kept.size());
  return {};
}

// Rows from `first` on that have no pair get one with nothing.
void LookupRows::pad(std::uint32_t first) {
  if (!design_.left || (rows_.size() == batch_.rows && whole_batch())) return;
  std::vector<std::uint32_t> rows;
  std::vector<std::uint32_t> partners;
  std::size_t at = 0;
  for (std::uint32_t row = first; row < next_; ++row) {
    const bool alone = at == rows_.size() || rows_[at] != row;
    if (alone) {
      rows.push_back(row);
      partners.push_back(kNone);
    }
    for (; at < rows_.size() && rows_[at] == row; ++at) {
      rows.push_back(row);
      partners.push_back(partners_[at]);
    }
  }
  rows_ = std::move(rows);
  partners_ = std::move(partners);
}

// The pairs are one for each row of the batch.
bool LookupRows::whole_batch() const {
  if (rows_.size() != batch_.rows) return false;
  for (std::uint32_t row = 0; row < rows_.size(); ++row) {
    if (rows_[row] != row) return false;
  }
  return true;
}

Batch LookupRows::joint(std::span<const std::uint32_t> rows, std::span<const std::uint32_t> partners,
                        const std::vector<bool>& needed) const {
  Batch out{nullptr, rows.size(), std::vector<Column>(needed.size()), {}};
  const bool whole = rows.size() == batch_.rows && whole_batch();
  for (std::size_t i = 0; i < design_.input_columns; ++i) {
    if (needed[i]) out.columns[i] = whole ? batch_.columns[i] : batch_.columns[i].take(rows);
  }
  const bool some_null = any_none(partners);
  for (std::size_t i = 0; i < design_.joint_of.size(); ++i) {
    const std::size_t column = design_.joint_of[i];
    if (needed[column]) out.columns[column] = take_or_null(table_->rows().columns[i], partners, some_null);
  }
  return out;
}

// What is found may differ between the row that was and the row that is: one may be there without the other.
Buffer LookupRows::kinds_of(std::span<const std::uint32_t> rows) const {
  if (batch_.kinds.empty()) return {};
  ByteBuilder kinds;
  for (const std::uint32_t row : rows) {
    const RowKind kind = batch_.kind(row);
    const bool taken_back = kind == RowKind::kUpdateBefore || kind == RowKind::kDelete;
    kinds.append_value(taken_back ? RowKind::kDelete : RowKind::kInsert);
  }
  return kinds.finish();
}

Status LookupRows::emit(std::span<const std::uint32_t> rows, std::span<const std::uint32_t> partners, Emitter& out) {
  const Batch from = joint(rows, partners, needed_);
  Batch computed{output_, rows.size(), {}, {}};
  std::vector<RowError> errors;
  for (const Expression& column : columns_) computed.columns.push_back(column.evaluate(from, &errors));
  if (errors.empty()) {
    computed.kinds = kinds_of(rows);
    return out.emit(std::move(computed));
  }
  merge_row_errors(errors);
  for (const RowError& error : errors) {
    STREAM_TRY(out.bad_record({error.reason, "", row_text(batch_, rows[error.row])}));
  }
  const std::vector<std::uint32_t> good = rows_without(errors, rows.size());
  if (good.empty()) return {};
  std::vector<std::uint32_t> good_rows;
  for (const std::uint32_t position : good) good_rows.push_back(rows[position]);
  computed = computed.take(good);
  computed.kinds = kinds_of(good_rows);
  return out.emit(std::move(computed));
}

// Of a pair, in the columns that results are made of.
std::size_t LookupRows::text_bytes(std::size_t pair) const {
  std::size_t bytes = 0;
  for (const std::size_t column : texts_) bytes += batch_.columns[column].bytes(rows_[pair]).size();
  if (partners_[pair] == kNone) return bytes;
  for (const std::size_t column : partner_texts_) {
    bytes += table_->rows().columns[column].bytes(partners_[pair]).size();
  }
  return bytes;
}

Status LookupRows::emit_some(Emitter& out) {
  while (next_ < batch_.rows) {
    const std::uint32_t first = next_;
    pair_up();
    STREAM_TRY(keep_true(out));
    pad(first);
    for (std::size_t at = 0, count = 0; output_ && at < rows_.size(); at += count) {
      count = fitting_rows(rows_.size() - at, [&](std::size_t i) { return text_bytes(at + i); });
      STREAM_TRY(emit(std::span(rows_).subspan(at, count), std::span(partners_).subspan(at, count), out));
    }
    if (out.full() && next_ < batch_.rows) return {};
  }
  batch_ = {};
  return {};
}

}  // namespace stream
