#include "stages/aggregate/aggregate.h"

namespace stream {

Aggregate::Aggregate(AggregateDesign design, const Context& context, SchemaPtr output, SchemaPtr late)
    : AggregateOperator(std::move(design), context, std::move(late)) {
  if (output) results_.emplace(design_, table_, distinct_, std::move(output));
}

Status Aggregate::on_rows(Batch batch, Emitter& out) {
  Work work;
  if (design_.windowed()) {
    STREAM_TRY(split_by_time(std::move(batch), kept_from_, &work, out));
  } else {
    work.batch = std::move(batch);
  }
  return work.batch.rows == 0 ? Status() : apply(std::move(work), out);
}

Result<bool> Aggregate::add(const Work& work, Emitter& out) {
  if (design_.global()) {
    rows_.resize(work.batch.rows);
    inserted_.assign(work.batch.rows, 0);
    find_global();
  } else {
    find_groups(work);
  }
  if (idle_) {
    const std::vector<std::uint32_t> known = touch_groups(work.batch);
    if (known.size() != work.batch.rows) return add_known(work, known, out);
  }
  find_changed(work);
  const Changes changes = begin_changes();
  if (!accumulators_.add(work.batch, {rows_, inserted_, &keys_})) {
    undo_groups();
    return false;
  }
  STREAM_TRY(emit_changes(changes, out));
  end_changes();
  return true;
}

// What takes back rows of a group that was forgotten comes too late.
Result<bool> Aggregate::add_known(const Work& work, std::span<const std::uint32_t> known, Emitter& out) {
  undo_groups();
  out.late_records(work.batch.rows - known.size(), kLateOutput);
  if (!known.empty()) STREAM_TRY(apply(take(work, known), out));
  return true;
}

Status Aggregate::on_end(Emitter& out) {
  if (design_.windowed() || design_.updates) return {};
  // As in SQL, nothing has one count: 0.
  if (design_.global() && table_.rows() == 0 && !design_.retracts) {
    const Row row = table_.upsert({Cell(std::uint8_t{1})}).first;
    for (std::size_t i = 0; i < design_.calls.size(); ++i) {
      const Keeps keeps = kept_by(design_.aggregation.calls[i]);
      if (keeps == Keeps::kSum || keeps == Keeps::kExtreme || keeps == Keeps::kRow)
        table_.set_null(row, design_.calls[i].value);
    }
  }
  scanning_ = true;
  cursor_ = {};
  return more(out);
}

Status Aggregate::more(Emitter& out) { return firing_ ? fire_some(out) : scan_some(out); }

}  // namespace stream
