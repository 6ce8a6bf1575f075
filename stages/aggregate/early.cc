#include "stages/aggregate/early.h"

#include <algorithm>

#include "snapshot/state_store.h"
#include "stages/kit/state_names.h"
#include "transport/record/key.h"

namespace stream {
namespace {

constexpr std::size_t kCloseRows = 4096;

bool of_key(const Schema& results, std::size_t column) {
  return std::ranges::find(results.key, column) != results.key.end();
}

// By column of the results, the table's: the key, in its order, then the others.
std::vector<std::size_t> table_columns(const Schema& results) {
  std::vector<std::size_t> columns(results.fields.size());
  std::size_t next = 0;
  for (const std::size_t column : results.key) columns[column] = next++;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (!of_key(results, i)) columns[i] = next++;
  }
  return columns;
}

}  // namespace

TableSpec shown_spec(const AggregateDesign& design, const Schema& results) {
  TableSpec spec;
  StateColumnNames names;
  spec.name = design.table.name + "_shown";
  spec.definition = "early results of " + design.table.definition;
  spec.group_columns = design.by.size();
  for (const std::size_t column : results.key) {
    spec.key.push_back({names.add(results.fields[column].name), results.fields[column].type});
  }
  for (std::size_t i = 0; i < results.fields.size(); ++i) {
    if (!of_key(results, i)) spec.add_value({names.add(results.fields[i].name), results.fields[i].type}, "");
  }
  const std::size_t end = *results.find("window_end");
  spec.ordered = spec.field(table_columns(results)[end]).name;
  return spec;
}

// Takes what the windows emit. A result that cannot be computed is bad when it is final, not each time it is shown.
class EarlyResults::Taking final : public Emitter {
 public:
  Taking(EarlyResults& early, Emitter& out) : early_(early), out_(out) {}

  Status emit(Batch batch, std::size_t output) override {
    return output == 0 ? early_.take(batch, out_) : out_.emit(std::move(batch), output);
  }
  Status bad_record(BadRecord record) override {
    return early_.showing_ ? Status() : out_.bad_record(std::move(record));
  }
  void late_records(std::uint64_t rows, std::size_t output) override { out_.late_records(rows, output); }
  bool full() const override { return out_.full(); }
  bool wanted(std::size_t output) const override { return out_.wanted(output); }

 private:
  EarlyResults& early_;
  Emitter& out_;
};

EarlyResults::EarlyResults(const AggregateDesign& design, SchemaPtr results, std::unique_ptr<AggregateOperator> windows,
                           Context& context, SchemaPtr output)
    : interval_(design.early),
      results_(std::move(results)),
      windows_(std::move(windows)),
      groups_(context.state.table(design.table)),
      shown_(context.state.table(shown_spec(design, *results_))),
      clock_(context.clock),
      output_(std::move(output)),
      columns_(table_columns(*results_)),
      next_(clock_.wall_us() + interval_) {
  for (const Field& field : output_->fields) read_.push_back(*results_->find(field.name));
}

Status EarlyResults::on_batch(std::size_t input, Batch batch, Emitter& out) {
  // The first row is not a result yet; and a clock that was put back must not stop them.
  const Microseconds now = clock_.wall_us();
  next_ = groups_.rows() == 0 ? now + interval_ : std::min(next_, now + interval_);
  Taking taking(*this, out);
  return windows_->on_batch(input, std::move(batch), taking);
}

std::optional<Microseconds> EarlyResults::due() const {
  if (groups_.rows() == 0 && shown_.rows() == 0) return std::nullopt;
  return next_;
}

Status EarlyResults::on_watermark(Microseconds watermark, Emitter& out) {
  watermark_ = std::max(watermark_, watermark);
  closing_ = true;
  Taking taking(*this, out);
  STREAM_TRY(windows_->on_watermark(watermark, taking));
  return windows_->has_more() ? Status() : close(out);
}

Status EarlyResults::on_time(Microseconds now, Emitter& out) {
  next_ = now + interval_;
  if (watermark_ == kEndOfTime) return {};
  showing_ = true;
  open_ = {};
  seen_.clear();
  return show_some(out);
}

Status EarlyResults::more(Emitter& out) {
  if (showing_) return show_some(out);
  Taking taking(*this, out);
  STREAM_TRY(windows_->more(taking));
  return windows_->has_more() || !closing_ ? Status() : close(out);
}

Status EarlyResults::show_some(Emitter& out) {
  Taking taking(*this, out);
  do { STREAM_TRY(windows_->emit_open(open_, taking)); } while (!open_.done && !out.full());
  if (!open_.done) return {};
  showing_ = false;
  return take_back_unseen(out);
}

// Windows that were shown and are no more: their rows were taken back, or belong to a session that began earlier.
Status EarlyResults::take_back_unseen(Emitter& out) {
  std::vector<Row> gone;
  shown_.for_each([&](Row row) {
    if (!seen_.contains(row.at)) gone.push_back(row);
  });
  seen_.clear();
  return take_back(gone, out);
}

// Of a window that has ended nothing is left that was shown, but for those that had no result in the end.
Status EarlyResults::close(Emitter& out) {
  closing_ = false;
  const Microseconds until = watermark_ == kEndOfTime ? watermark_ : watermark_ + 1;
  std::vector<Row> rows(kCloseRows);
  for (std::size_t count = rows.size(); count == kCloseRows;) {
    TimeCursor cursor;
    rows.resize(kCloseRows);
    count = shown_.scan_before(cursor, until, rows);
    rows.resize(count);
    STREAM_TRY(take_back(rows, out));
  }
  return {};
}

// --- what the windows emit ----------------------------------------------------------------------

Status EarlyResults::take(const Batch& results, Emitter& out) {
  // A late row changes a window that has ended, of which nothing is left that was shown.
  if (!results.kinds.empty()) return emit(results, out);
  find(results);
  STREAM_TRY(emit_differences(results, out));
  showing_ ? remember(results) : forget();
  return {};
}

void EarlyResults::find(const Batch& results) {
  hashes_.resize(results.rows);
  rows_.resize(results.rows);
  hash_keys(results, results_->key, hashes_);
  shown_.find(results, results_->key, hashes_, rows_);
}

Status EarlyResults::emit_differences(const Batch& results, Emitter& out) {
  const Computed before{gathered(rows_).columns, {}, {}};
  const Computed after{results.columns, {}, {}};
  differ_ = differing_rows(before, after, results.rows);
  Picks picks;
  for (std::uint32_t i = 0; i < results.rows; ++i) picks.add(i, static_cast<bool>(rows_[i]), true, differ_[i] != 0);
  for (Batch& batch : picked_rows(results_, before, after, picks)) STREAM_TRY(emit(std::move(batch), out));
  return {};
}

void EarlyResults::remember(const Batch& results) {
  std::vector<std::uint32_t> missing;
  for (std::uint32_t i = 0; i < results.rows; ++i) {
    if (!rows_[i]) missing.push_back(i);
  }
  std::vector<Row> made(missing.size());
  std::vector<std::uint64_t> hashes;
  for (const std::uint32_t i : missing) hashes.push_back(hashes_[i]);
  shown_.upsert(results.take(missing), results_->key, hashes, made, {});
  for (std::size_t i = 0; i < missing.size(); ++i) {
    rows_[missing[i]] = made[i];
    differ_[missing[i]] = 1;
  }
  for (std::uint32_t i = 0; i < results.rows; ++i) {
    seen_.insert(rows_[i].at);
    if (differ_[i] == 0) continue;
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      if (!of_key(*results_, c)) shown_.set_from(rows_[i], columns_[c], results.columns[c], i);
    }
  }
}

void EarlyResults::forget() {
  for (const Row row : rows_) {
    if (row) shown_.erase(row);
  }
}

Status EarlyResults::take_back(std::vector<Row>& rows, Emitter& out) {
  for (std::size_t begin = 0; begin < rows.size(); begin += kCloseRows) {
    Batch batch = gathered(std::span(rows).subspan(begin, std::min(kCloseRows, rows.size() - begin)));
    ByteBuilder kinds;
    for (std::size_t i = 0; i < batch.rows; ++i) kinds.append_value(RowKind::kDelete);
    batch.kinds = kinds.finish();
    STREAM_TRY(emit(std::move(batch), out));
  }
  for (const Row row : rows) shown_.erase(row);
  return {};
}

Batch EarlyResults::gathered(std::span<const Row> rows) const {
  Batch batch{results_, rows.size(), {}, {}};
  for (const std::size_t column : columns_) batch.columns.push_back(shown_.gather(rows, column));
  return batch;
}

Status EarlyResults::emit(Batch results, Emitter& out) const {
  Batch batch{output_, results.rows, {}, std::move(results.kinds)};
  for (const std::size_t column : read_) batch.columns.push_back(results.columns[column]);
  return out.emit(std::move(batch));
}

}  // namespace stream
