#include "stages/explode/explode.h"

#include <algorithm>

#include "stages/expression/json.h"
#include "stages/kit/fitting_rows.h"
#include "stages/kit/row_text.h"

namespace stream {
namespace {

constexpr std::size_t kPieceRows = 4096;

// What becomes of one row are several: those of an update need not be as many before and after.
RowKind alone(RowKind kind) {
  if (kind == RowKind::kUpdateBefore) return RowKind::kDelete;
  return kind == RowKind::kUpdateAfter ? RowKind::kInsert : kind;
}

}  // namespace

Result<std::unique_ptr<Operator>> Explode::make(Context& context) {
  PlanError error;
  auto design = design_explode(context.options, *context.inputs[0], &error);
  if (!design) return usage_error("option '" + error.option + "': " + error.message);
  return std::unique_ptr<Operator>(
      std::make_unique<Explode>(*std::move(design), *context.inputs[0], context.outputs[0]));
}

Explode::Explode(ExplodeDesign design, const Schema& input, SchemaPtr output)
    : design_(std::move(design)),
      output_(std::move(output)),
      text_schema_(std::make_shared<const Schema>(Schema{{{"element", kVarchar}}, {}, {}, Changelog::kAppend})),
      as_they_stand_(design_.from.type() == kJson && design_.type == kJson),
      elements_(as_they_stand_ ? kJson : kVarchar) {
  STREAM_CHECK(!design_.replaced || *design_.replaced < input.fields.size());
  for (std::size_t column = 0; output_ && column < input.fields.size(); ++column) {
    const Field& field = input.fields[column];
    if (field.type.variable() && field.name != design_.name && output_->find(field.name)) beside_.push_back(column);
  }
  if (as_they_stand_ || design_.type == kVarchar) return;
  ExpressionError error;
  const auto cast = Expression::compile("cast(element as " + to_string(design_.type) + ")", *text_schema_, &error);
  STREAM_CHECK(cast != nullptr);
  cast_ = *cast;
}

Status Explode::on_batch(std::size_t /*input*/, Batch batch, Emitter& out) {
  batch_ = std::move(batch);
  next_ = 0;
  value_errors_.clear();
  next_error_ = 0;
  values_ = design_.from.evaluate(batch_, &value_errors_);
  do { STREAM_TRY(explode_some(out)); } while (has_more() && !out.full());
  return {};
}

Status Explode::more(Emitter& out) { return explode_some(out); }

const char* Explode::append_elements(std::string_view value) {
  if (design_.separator.empty()) return expression::json_elements(value, !as_they_stand_, elements_);
  while (!value.empty()) {
    const std::size_t end = value.find(design_.separator);
    elements_.append_bytes(value.substr(0, end));
    if (end == std::string_view::npos) break;
    value.remove_prefix(end + design_.separator.size());
    if (value.empty()) elements_.append_bytes("");  // behind the last separator
  }
  return nullptr;
}

void Explode::take_row() {
  const std::uint32_t row = next_++;
  if (next_error_ < value_errors_.size() && value_errors_[next_error_].row == row) {
    errors_.push_back(value_errors_[next_error_++]);
    return;
  }
  const std::size_t before = elements_.size();
  if (values_.valid(row)) {
    if (const char* reason = append_elements(values_.bytes(row))) {
      errors_.push_back({row, reason});
      return;
    }
  }
  for (std::size_t i = before; i < elements_.size(); ++i) {
    rows_.push_back(row);
    ordinals_.push_back(static_cast<std::int64_t>(i - before) + 1);
  }
  if (elements_.size() != before || !design_.outer) return;
  elements_.append_null();
  rows_.push_back(row);
  ordinals_.push_back(0);
}

// The elements in the type wanted. One that has no such value spoils its row.
Column Explode::made_elements() {
  Column elements = elements_.finish();
  if (!cast_) return elements;
  std::vector<RowError> failed;
  elements = cast_->evaluate(Batch{text_schema_, elements.size(), {elements}, {}}, &failed);
  for (const RowError& error : failed) errors_.push_back({rows_[error.row], error.reason});
  merge_row_errors(errors_);
  return elements;
}

// Of the elements those of good rows; of rows before `before` alone.
void Explode::drop_failed(std::vector<std::uint32_t>* kept, std::size_t before) const {
  auto bad = errors_.begin();
  for (std::uint32_t i = 0; i < rows_.size() && rows_[i] < before; ++i) {
    while (bad != errors_.end() && bad->row < rows_[i]) ++bad;
    if (bad == errors_.end() || bad->row != rows_[i]) kept->push_back(i);
  }
}

Status Explode::explode_some(Emitter& out) {
  if (sent_ == kept_.size()) STREAM_TRY(take_piece(out));
  while (sent_ < kept_.size()) {
    STREAM_TRY(send_some(out));
    if (out.full()) break;
  }
  return {};
}

Status Explode::take_piece(Emitter& out) {
  errors_.clear();
  rows_.clear();
  ordinals_.clear();
  kept_.clear();
  sent_ = 0;
  while (next_ < batch_.rows && rows_.size() < kPieceRows && elements_.size_bytes() < kBatchBytesTarget) take_row();
  piece_ = made_elements();
  Status reported = report_row_errors(batch_, errors_, out);
  drop_failed(&kept_, reported.ok() ? batch_.rows : errors_.front().row);
  // An error that ends the stage takes nothing with it that came before.
  while (!reported.ok() && sent_ < kept_.size()) STREAM_TRY(send_some(out));
  return reported;
}

// One row alone may make more than a batch, and stands in each of its rows.
Status Explode::send_some(Emitter& out) {
  const std::span<const std::uint32_t> left = std::span<const std::uint32_t>(kept_).subspan(sent_);
  const std::size_t count = fitting_rows(left.size(), [&](std::size_t i) {
    std::size_t bytes = 0;
    for (const std::size_t column : beside_) bytes += batch_.columns[column].bytes(rows_[left[i]]).size();
    return bytes;
  });
  sent_ += count;
  return emit(left.first(count), out);
}

Status Explode::emit(std::span<const std::uint32_t> kept, Emitter& out) const {
  if (!output_) return {};
  std::vector<std::uint32_t> rows;
  for (const std::uint32_t element : kept) rows.push_back(rows_[element]);
  Batch made{output_, kept.size(), {}, {}};
  for (const Field& field : output_->fields) {
    if (field.name == design_.name) {
      made.columns.push_back(piece_.take(kept));
    } else if (field.name == design_.ordinality) {
      ColumnBuilder ordinals(kBigint, kept.size());
      for (const std::uint32_t element : kept) {
        ordinals_[element] == 0 ? ordinals.append_null() : ordinals.append(ordinals_[element]);
      }
      made.columns.push_back(ordinals.finish());
    } else {
      made.columns.push_back(batch_.columns[*batch_.schema->find(field.name)].take(rows));
    }
  }
  if (!batch_.kinds.empty()) {
    ByteBuilder kinds;
    for (const std::uint32_t row : rows) kinds.append_value(alone(batch_.kind(row)));
    made.kinds = kinds.finish();
  }
  return out.emit(std::move(made));
}

}  // namespace stream
