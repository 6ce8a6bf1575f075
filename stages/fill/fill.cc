#include "stages/fill/fill.h"

#include <algorithm>
#include <cmath>

#include "snapshot/state_store.h"
#include "stages/kit/late_rows.h"
#include "stages/kit/row_text.h"

namespace stream {
namespace {

constexpr std::size_t kLateOutput = 1;
constexpr std::size_t kPieceRows = 4096;

}  // namespace

Result<std::unique_ptr<Operator>> Fill::make(Context& context) {
  PlanError error;
  auto design = design_fill(context.options, *context.inputs[0], context.stage, &error);
  if (!design) return usage_error("option '" + error.option + "': " + error.message);
  SchemaPtr late = context.outputs.size() > kLateOutput ? context.outputs[kLateOutput] : nullptr;
  return std::unique_ptr<Operator>(std::make_unique<Fill>(*std::move(design), *context.inputs[0], context.state,
                                                          context.outputs[0], std::move(late)));
}

Fill::Fill(FillDesign design, const Schema& input, StateStore& store, SchemaPtr output, SchemaPtr late)
    : design_(std::move(design)),
      waiting_(design_.waiting, store),
      series_(store.table(design_.series)),
      output_(std::move(output)),
      late_(std::move(late)) {
  if (!output_) return;
  builder_.emplace(output_);
  for (const Field& field : output_->fields) columns_.push_back(*input.find(field.name));
}

Status Fill::on_batch(std::size_t /*input*/, Batch batch, Emitter& out) {
  std::vector<std::uint32_t> rows;
  std::vector<std::uint32_t> late;
  STREAM_TRY(split_by_time(batch, design_.waiting.time, watermark_, &rows, &late, out));
  std::vector<std::uint32_t> good;
  for (const std::uint32_t row : rows) {
    if (TumbleWindows::in_range(batch.columns[design_.waiting.time].value<std::int64_t>(row))) {
      good.push_back(row);
    } else {
      STREAM_TRY(out.bad_record({"the event time is out of range", "", row_text(batch, row)}));
    }
  }
  waiting_.add(batch, good);
  return emit_late_rows(batch, late, late_, kLateOutput, out);
}

// Cells that end until then have all their rows, and are filled if there is none.
Microseconds Fill::filled_until() const {
  if (watermark_ == kEndOfTime || !TumbleWindows::in_range(watermark_)) return watermark_;
  return design_.cells.of(watermark_).start;
}

// A row that is made is of a cell that has ended; where the end of the gap has to be known, of one before that.
Microseconds Fill::output_watermark(Microseconds watermark) const {
  if (watermark == kEndOfTime) return watermark;
  const Microseconds behind = design_.linear ? design_.bound : 0;
  if (!TumbleWindows::in_range(watermark) || !TumbleWindows::in_range(watermark - behind)) return kNoWatermark;
  return design_.cells.of(watermark - behind).start;
}

Status Fill::on_watermark(Microseconds watermark, Emitter& out) {
  watermark_ = std::max(watermark_, watermark);
  firing_ = true;
  while (firing_ && !out.full()) STREAM_TRY(more(out));
  return {};
}

Status Fill::more(Emitter& out) {
  rows_ = 0;
  STREAM_ASSIGN(bool done, fire_rows(out));
  if (done) { STREAM_ASSIGN(done, fill_silent(out)); }
  firing_ = !done;
  if (!builder_ || builder_->rows() == 0) return {};
  return out.emit(builder_->finish());
}

Status Fill::end_row(Emitter& out) {
  ++rows_;
  if (!builder_) return {};
  builder_->end_row();
  return builder_->full() ? out.emit(builder_->finish()) : Status();
}

// --- rows that came -----------------------------------------------------------------------------

Result<bool> Fill::fire_rows(Emitter& out) {
  std::vector<Row> rows;
  for (waiting_.next(watermark_, kPieceRows, {}, &rows); !rows.empty();
       waiting_.next(watermark_, kPieceRows, {}, &rows)) {
    for (const Row row : rows) {
      STREAM_ASSIGN(const bool taken, take_row(row, out));
      if (!taken) return false;
      waiting_.erase({&row, 1});
    }
    if (rows_ >= kPieceRows) return false;
  }
  return true;
}

Result<bool> Fill::take_row(Row waiting, Emitter& out) {
  const auto [series, inserted] = series_of(waiting);
  if (!inserted && design_.linear) STREAM_TRY(bridge_gap(series, waiting, out));
  if (!inserted && !design_.linear) {
    STREAM_ASSIGN(const bool filled, fill_cells(series, design_.cells.of(waiting_.time(waiting)).start, out));
    if (!filled) return false;
  }
  remember(series, waiting);
  STREAM_TRY(pass_row(waiting, out));
  return true;
}

std::pair<Row, bool> Fill::series_of(Row waiting) {
  std::vector<Cell> key;
  for (std::size_t i = 0; i < design_.waiting.by.size(); ++i) key.push_back(waiting_.table().cell(waiting, i));
  if (key.empty()) key.emplace_back(std::int64_t{0});
  return series_.upsert(key);
}

void Fill::remember(Row series, Row waiting) {
  const Microseconds time = waiting_.time(waiting);
  series_.set(series, design_.last, time);
  series_.set(series, design_.due, design_.linear ? time + design_.bound : design_.cells.of(time).end);
  for (std::size_t i = 0; i < design_.columns.size(); ++i) {
    const FilledColumn& column = design_.columns[i];
    if (column.kind != FilledColumn::Kind::kCarry && column.kind != FilledColumn::Kind::kLinear) continue;
    series_.set_cell(series, column.series, waiting_.table().cell(waiting, waiting_.column(i)));
  }
}

Status Fill::pass_row(Row waiting, Emitter& out) {
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    waiting_.table().append_to(waiting, waiting_.column(columns_[i]), builder_->column(i));
  }
  return end_row(out);
}

// --- rows that are made -------------------------------------------------------------------------

// Makes rows for the cells that end until `end`, as long as the series is to be filled.
Result<bool> Fill::fill_cells(Row series, Microseconds end, Emitter& out) {
  const Microseconds limit = series_.get<std::int64_t>(series, design_.last) + design_.bound;
  for (;;) {
    const WindowSpan cell = design_.cells.of(series_.get<std::int64_t>(series, design_.due));
    if (cell.end > end || cell.start > limit) return true;
    if (rows_ >= kPieceRows) return false;
    STREAM_TRY(make_row(series, cell, {}, out));
    series_.set(series, design_.due, cell.end);
  }
}

// A gap whose two ends are known, if it is not too long.
Status Fill::bridge_gap(Row series, Row next, Emitter& out) {
  const Microseconds time = waiting_.time(next);
  const auto last = series_.get<std::int64_t>(series, design_.last);
  if (time - last > design_.bound) return {};
  WindowSpan cell = design_.cells.of(design_.cells.of(last).end);
  for (; cell.end <= time; cell = design_.cells.of(cell.end)) STREAM_TRY(make_row(series, cell, next, out));
  return {};
}

// Series that had no row for long: where gaps need both ends those are forgotten, else they are filled to their limit.
Result<bool> Fill::fill_silent(Emitter& out) {
  if (design_.linear) {
    series_.erase_before(watermark_);
    return true;
  }
  const Microseconds until = filled_until();
  for (;;) {
    Row series;
    TimeCursor cursor;
    if (series_.scan_before(cursor, until, {&series, 1}) == 0) return true;
    STREAM_ASSIGN(const bool filled, fill_cells(series, until, out));
    if (!filled) return false;
    const auto due = series_.get<std::int64_t>(series, design_.due);
    if (due > series_.get<std::int64_t>(series, design_.last) + design_.bound) series_.erase(series);
  }
}

Status Fill::make_row(Row series, WindowSpan cell, Row next, Emitter& out) {
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    append_made(design_.columns[columns_[i]], series, cell, next, builder_->column(i));
  }
  return end_row(out);
}

void Fill::append_made(const FilledColumn& column, Row series, WindowSpan cell, Row next, ColumnBuilder& to) const {
  switch (column.kind) {
    case FilledColumn::Kind::kNull: return to.append_null();
    case FilledColumn::Kind::kKey:
    case FilledColumn::Kind::kCarry: return series_.append_to(series, column.series, to);
    case FilledColumn::Kind::kTime: return to.append(cell.start);
    case FilledColumn::Kind::kCellEnd: return to.append(cell.end);
    case FilledColumn::Kind::kConstant: return to.append_from(column.constant, 0);
    case FilledColumn::Kind::kLinear: return interpolate(column, series, cell.start, next, to);
  }
}

// On the line between the values of the two rows; `long double` holds every BIGINT.
void Fill::interpolate(const FilledColumn& column, Row series, Microseconds at, Row next, ColumnBuilder& to) const {
  const StateTable& rows = waiting_.table();
  if (series_.is_null(series, column.series) || rows.is_null(next, column.waiting)) return to.append_null();
  const bool integer = to.type() == kBigint;
  const auto value = [&](const StateTable& table, Row row, std::size_t at_column) {
    return integer ? static_cast<long double>(table.get<std::int64_t>(row, at_column))
                   : static_cast<long double>(table.get<double>(row, at_column));
  };
  const auto begin = series_.get<std::int64_t>(series, design_.last);
  const long double part = static_cast<long double>(at - begin) / static_cast<long double>(waiting_.time(next) - begin);
  const long double from = value(series_, series, column.series);
  const long double made = from + (value(rows, next, column.waiting) - from) * part;
  integer ? to.append(static_cast<std::int64_t>(std::llround(made))) : to.append(static_cast<double>(made));
}

Status Fill::on_restored() {
  waiting_.on_restored();
  return {};
}

}  // namespace stream
