#include "stages/aggregate/operator.h"

#include <algorithm>
#include <numeric>

#include "snapshot/state_store.h"
#include "stages/kit/kept_rows.h"
#include "stages/kit/late_rows.h"
#include "stages/kit/row_kinds.h"
#include "stages/kit/row_text.h"
#include "transport/record/key.h"

namespace stream {
namespace {

std::vector<StateTable*> open_tables(StateStore& store, const std::vector<TableSpec>& specs) {
  std::vector<StateTable*> tables;
  for (const TableSpec& spec : specs) tables.push_back(&store.table(spec));
  return tables;
}

}  // namespace

AggregateOperator::AggregateOperator(AggregateDesign design, const Context& context, SchemaPtr late)
    : design_(std::move(design)),
      table_(context.state.table(design_.table)),
      distinct_(open_tables(context.state, design_.distinct)),
      accumulators_(design_, table_, distinct_),
      late_(std::move(late)),
      key_columns_(design_.table.key.size()),
      clock_(context.clock) {
  std::iota(key_columns_.begin(), key_columns_.end(), std::size_t{0});
  if (design_.ttl) idle_.emplace(*design_.ttl, table_);
}

Status AggregateOperator::on_restored() {
  accumulators_.restored();
  if (idle_) idle_->restored();
  return {};
}

// --- input --------------------------------------------------------------------------------------

Status AggregateOperator::on_batch(std::size_t /*input*/, Batch batch, Emitter& out) {
  if (!partial_) return split_by_touch(std::move(batch), out);
  for (std::size_t begin = 0; begin < batch.rows;) {
    const std::size_t end = partial_->same_until(batch, begin);
    const bool all = begin == 0 && end == batch.rows;
    STREAM_TRY(split_by_touch(all ? std::move(batch) : batch.slice(begin, end), out));
    if (all) return {};
    begin = end;
  }
  return {};
}

Status AggregateOperator::apply(Work work, Emitter& out) {
  if (partial(work.batch)) {
    accumulators_.take_partial(partial_->load(work.batch));
    return apply_valid(work, out);
  }
  errors_.clear();
  accumulators_.evaluate(work.batch, &errors_);
  if (errors_.empty()) return apply_valid(work, out);
  const std::vector<RowError> errors = errors_;
  return without_failed(work, errors, out);
}

Status AggregateOperator::without_failed(const Work& work, std::span<const RowError> errors, Emitter& out) {
  STREAM_TRY(report_row_errors(work.batch, errors, out));
  const std::vector<std::uint32_t> good = rows_without(errors, work.batch.rows);
  return good.empty() ? Status() : apply(take(work, good), out);
}

AggregateOperator::Work AggregateOperator::take(const Work& work, std::span<const std::uint32_t> rows) const {
  return {work.batch.take(rows), design_.windowed() ? work.starts.take(rows) : Column()};
}

Status AggregateOperator::apply_valid(const Work& work, Emitter& out) {
  STREAM_ASSIGN(const bool added, add(work, out));
  if (added) return {};
  if (work.batch.rows > 1) return apply_one_by_one(work, out);
  return out.bad_record({accumulators_.overflow(), "", row_text(work.batch, 0)});
}

// Somewhere in the batch a sum leaves its range: only the rows themselves can tell where.
Status AggregateOperator::apply_one_by_one(const Work& work, Emitter& out) {
  for (std::uint32_t row = 0; row < work.batch.rows; ++row) { STREAM_TRY(apply(take(work, {&row, 1}), out)); }
  return {};
}

void AggregateOperator::find_global() {
  const auto [row, inserted] = table_.upsert({Cell(std::uint8_t{1})});
  std::ranges::fill(rows_, row);
  if (!inserted_.empty()) inserted_[0] = inserted ? 1 : 0;
}

void AggregateOperator::find_groups(const Work& work) {
  const std::size_t rows = work.batch.rows;
  keys_.rows = rows;
  keys_.columns.clear();
  for (const std::size_t column : design_.by) keys_.columns.push_back(work.batch.columns[column]);
  if (design_.windowed()) keys_.columns.push_back(work.starts);
  hashes_.resize(rows);
  rows_.resize(rows);
  inserted_.resize(rows);
  hash_keys(keys_, key_columns_, hashes_);
  table_.upsert(keys_, key_columns_, hashes_, rows_, inserted_);
}

void AggregateOperator::undo_groups() {
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    if (inserted_[i] != 0) table_.erase(rows_[i]);
  }
}

// --- event time ---------------------------------------------------------------------------------

Status AggregateOperator::report_bad_times(const Batch& batch, std::span<const std::uint32_t> rows, Emitter& out) {
  const Column& time = batch.columns[design_.time];
  const std::string name = "'" + batch.schema->fields[design_.time].name + "'";
  for (const std::uint32_t row : rows) {
    const std::string reason =
        time.valid(row) ? "time column " + name + " is out of range" : "time column " + name + " is NULL";
    STREAM_TRY(out.bad_record({reason, "", row_text(batch, row)}));
  }
  return {};
}

Status AggregateOperator::emit_late(const Batch& batch, std::span<const std::uint32_t> rows, Emitter& out) {
  if (!partial(batch) || rows.empty()) return emit_late_rows(batch, rows, late_, kLateOutput, out);
  out.late_records(partial_->rows_in(batch, rows), kLateOutput);
  return emit_kept_rows(batch, rows, late_, out, kLateOutput);
}

Status AggregateOperator::split_by_time(Batch batch, Microseconds kept_from, Work* work, Emitter& out) {
  const Column& time = batch.columns[design_.time];
  const auto* times = time.values<std::int64_t>();
  ByteBuilder starts;
  auto* start_of = reinterpret_cast<std::int64_t*>(starts.extend(batch.rows * sizeof(std::int64_t)));
  std::vector<std::uint32_t> bad;
  std::vector<std::uint32_t> late;
  WindowSpan span;
  for (std::uint32_t i = 0; i < batch.rows; ++i) {
    start_of[i] = 0;
    if (!time.valid(i) || !TumbleWindows::in_range(times[i])) {
      bad.push_back(i);
      continue;
    }
    if (!span.contains(times[i])) span = design_.slices->slice_of(times[i]);
    start_of[i] = span.start;
    if (span.start < kept_from) late.push_back(i);
  }
  Column column(kTimestamp, batch.rows, {}, starts.finish());
  if (bad.empty() && late.empty()) {
    *work = {std::move(batch), std::move(column)};
    return {};
  }
  STREAM_TRY(report_bad_times(batch, bad, out));
  STREAM_TRY(emit_late(batch, late, out));
  std::vector<std::uint32_t> good;
  for (std::uint32_t i = 0; i < batch.rows; ++i) {
    if (!std::ranges::binary_search(bad, i) && !std::ranges::binary_search(late, i)) good.push_back(i);
  }
  work->batch = batch.take(good);
  work->starts = column.take(good);
  return {};
}

Microseconds earlier(Microseconds time, Microseconds by) {
  Microseconds result = 0;
  if (time == kNoWatermark || time == kEndOfTime) return time;
  return __builtin_sub_overflow(time, by, &result) ? kNoWatermark + 1 : result;
}

}  // namespace stream
