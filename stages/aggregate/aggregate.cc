#include "stages/aggregate/aggregate.h"

#include <algorithm>
#include <numeric>

#include "snapshot/state_store.h"
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

Result<std::unique_ptr<Operator>> Aggregate::make(Context& context) {
  PlanError error;
  auto design = design_aggregate(context.options, *context.inputs[0], context.stage, context.supervised, &error);
  if (!design) return usage_error("option '" + error.option + "': " + error.message);
  const SchemaPtr late = context.outputs.size() > kLateOutput ? context.outputs[kLateOutput] : nullptr;
  return std::unique_ptr<Operator>(
      std::make_unique<Aggregate>(*std::move(design), context.state, context.outputs[0], late));
}

Aggregate::Aggregate(AggregateDesign design, StateStore& store, SchemaPtr output, SchemaPtr late)
    : design_(std::move(design)),
      table_(store.table(design_.table)),
      distinct_(open_tables(store, design_.distinct)),
      accumulators_(design_, table_, distinct_),
      late_(std::move(late)),
      key_columns_(design_.table.key.size()) {
  if (output) results_.emplace(design_, table_, std::move(output));
  std::iota(key_columns_.begin(), key_columns_.end(), std::size_t{0});
}

Status Aggregate::on_restored() {
  accumulators_.restored();
  return {};
}

Status Aggregate::on_batch(std::size_t /*input*/, Batch batch, Emitter& out) {
  Work work;
  if (design_.windowed()) {
    STREAM_TRY(split_by_time(std::move(batch), &work, out));
  } else {
    work.batch = std::move(batch);
  }
  return work.batch.rows == 0 ? Status() : apply(std::move(work), out);
}

// Rows whose arguments cannot be computed are bad records; the others go on without them.
Status Aggregate::apply(Work work, Emitter& out) {
  errors_.clear();
  accumulators_.evaluate(work.batch, &errors_);
  if (errors_.empty()) return apply_valid(work, out);
  const std::vector<RowError> errors = errors_;
  return without_failed(work, errors, out);
}

Status Aggregate::without_failed(const Work& work, std::span<const RowError> errors, Emitter& out) {
  STREAM_TRY(report_row_errors(work.batch, errors, out));
  std::vector<std::uint32_t> good;
  auto bad = errors.begin();
  for (std::uint32_t row = 0; row < work.batch.rows; ++row) {
    if (bad != errors.end() && bad->row == row)
      ++bad;
    else
      good.push_back(row);
  }
  if (good.empty()) return {};
  Work rest{work.batch.take(good), design_.windowed() ? work.starts.take(good) : Column()};
  return apply(std::move(rest), out);
}

Status Aggregate::apply_valid(const Work& work, Emitter& out) {
  if (design_.global()) {
    rows_.resize(work.batch.rows);
    inserted_.assign(work.batch.rows, 0);
    find_global();
  } else {
    find_groups(work);
  }
  find_changed(work);
  const Changes changes = begin_changes();
  if (!accumulators_.add(work.batch, {rows_, inserted_, &keys_})) {
    const std::string reason = accumulators_.overflow();
    undo_groups();
    if (work.batch.rows > 1) return apply_one_by_one(work, out);
    return out.bad_record({reason, "", row_text(work.batch, 0)});
  }
  STREAM_TRY(emit_changes(changes, out));
  end_changes();
  return {};
}

// Somewhere in the batch a sum leaves its range: only the rows themselves can tell where.
Status Aggregate::apply_one_by_one(const Work& work, Emitter& out) {
  for (std::uint32_t row = 0; row < work.batch.rows; ++row) {
    Work one{work.batch.take({&row, 1}), design_.windowed() ? work.starts.take({&row, 1}) : Column()};
    STREAM_TRY(apply(std::move(one), out));
  }
  return {};
}

void Aggregate::find_global() {
  const auto [row, inserted] = table_.upsert({Cell(std::uint8_t{1})});
  std::ranges::fill(rows_, row);
  if (!inserted_.empty()) inserted_[0] = inserted ? 1 : 0;
}

void Aggregate::find_groups(const Work& work) {
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

void Aggregate::undo_groups() {
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    if (inserted_[i] != 0) table_.erase(rows_[i]);
  }
}

Status Aggregate::on_end(Emitter& out) {
  if (design_.windowed() || design_.updates) return {};
  // As in SQL, nothing has one count: 0.
  if (design_.global() && table_.rows() == 0 && !design_.retracts) {
    const Row row = table_.upsert({Cell(std::uint8_t{1})}).first;
    for (std::size_t i = 0; i < design_.calls.size(); ++i) {
      const bool count = design_.aggregation.calls[i].function == AggregateFunction::kCount;
      if (!count) table_.set_null(row, design_.calls[i].value);
    }
  }
  scanning_ = true;
  cursor_ = {};
  return more(out);
}

Status Aggregate::more(Emitter& out) { return firing_ ? fire_some(out) : scan_some(out); }

}  // namespace stream
