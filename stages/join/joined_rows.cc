#include "stages/join/joined_rows.h"

#include <algorithm>
#include <numeric>

#include "stages/kit/row_text.h"

namespace stream {
namespace {

Column take_or_null(const Column& column, std::span<const std::uint32_t> rows) {
  if (std::ranges::find(rows, JoinedRows::kNoRow) == rows.end()) return column.take(rows);
  ColumnBuilder builder(column.type(), rows.size());
  for (const std::uint32_t row : rows) {
    if (row == JoinedRows::kNoRow) {
      builder.append_null();
    } else {
      builder.append_from(column, row);
    }
  }
  return builder.finish();
}

}  // namespace

JoinedRows::JoinedRows(const JoinDesign& design, std::array<const KeptRows*, 2> kept, SchemaPtr output)
    : design_(design), kept_(kept), output_(std::move(output)), needed_(design.joint.fields.size()) {
  if (!output_) return;
  for (const Field& field : output_->fields) {
    const auto column = std::ranges::find(design.columns, field.name, &SelectedColumn::name);
    STREAM_CHECK(column != design.columns.end());
    columns_.push_back(column->expression);
    for (const std::size_t used : column->lineage) needed_[used] = true;
  }
}

Column JoinedRows::column_of(std::size_t joint, std::size_t side, const Batch* batch,
                             std::span<const std::uint32_t> rows, std::span<const Row> partners) const {
  const std::size_t of = joint < design_.first(1) ? 0 : 1;
  const std::size_t column = joint - design_.first(of);
  if (of != side) return kept_[of]->gather(partners, column);
  if (batch == nullptr) return null_column(design_.joint.fields[joint].type, rows.size());
  return take_or_null(batch->columns[column], rows);
}

Batch JoinedRows::joint(std::size_t side, const Batch* batch, std::span<const std::uint32_t> rows,
                        std::span<const Row> partners, const std::vector<bool>& needed) const {
  Batch out{nullptr, rows.size(), std::vector<Column>(needed.size()), {}};
  for (std::size_t i = 0; i < needed.size(); ++i) {
    if (needed[i]) out.columns[i] = column_of(i, side, batch, rows, partners);
  }
  return out;
}

Buffer JoinedRows::kinds_of(std::span<const std::uint32_t> rows) const {
  if (std::ranges::find(taken_back_, 1) == taken_back_.end()) return {};
  ByteBuilder kinds;
  for (const std::uint32_t row : rows) {
    kinds.append_value(taken_back_[row] != 0 ? RowKind::kDelete : RowKind::kInsert);
  }
  return kinds.finish();
}

// What could not be computed was no result, and needs not be said again when it is taken back.
Status JoinedRows::report(const Batch& joint, std::span<const RowError> errors, Emitter& out) const {
  Batch shown{std::make_shared<const Schema>(), joint.rows, {}, {}};
  Schema schema;
  for (std::size_t i = 0; i < joint.columns.size(); ++i) {
    if (!needed_[i]) continue;
    schema.fields.push_back(design_.joint.fields[i]);
    shown.columns.push_back(joint.columns[i]);
  }
  shown.schema = std::make_shared<const Schema>(std::move(schema));
  std::vector<RowError> told;
  for (const RowError& error : errors) {
    if (taken_back_[error.row] == 0) told.push_back(error);
  }
  return report_row_errors(shown, told, out);
}

Status JoinedRows::emit(Emitter& out) {
  Status status;
  if (output_ && !rows_.empty()) {
    const Batch joint_rows = joint(side_, batch_, rows_, partners_, needed_);
    Batch computed{output_, joint_rows.rows, {}, {}};
    std::vector<RowError> errors;
    for (const Expression& column : columns_) computed.columns.push_back(column.evaluate(joint_rows, &errors));
    std::vector<std::uint32_t> good(joint_rows.rows);
    std::iota(good.begin(), good.end(), 0U);
    if (!errors.empty()) {
      merge_row_errors(errors);
      status = report(joint_rows, errors, out);
      good = rows_without(errors, joint_rows.rows);
      computed = computed.take(good);
    }
    computed.kinds = kinds_of(good);
    if (status.ok() && computed.rows != 0) status = out.emit(std::move(computed));
  }
  rows_.clear();
  partners_.clear();
  taken_back_.clear();
  return status;
}

}  // namespace stream
