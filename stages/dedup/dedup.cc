#include "stages/dedup/dedup.h"

#include <algorithm>
#include <numeric>

#include "snapshot/state_store.h"
#include "stages/kit/late_rows.h"

namespace stream {

Result<std::unique_ptr<Operator>> Dedup::make(Context& context) {
  PlanError error;
  auto design = design_dedup(context.options, *context.inputs[0], context.stage, &error);
  if (!design) return usage_error("option '" + error.option + "': " + error.message);
  return std::unique_ptr<Operator>(
      std::make_unique<Dedup>(*std::move(design), context.state, context.inputs[0], context.outputs[0]));
}

Dedup::Dedup(DedupDesign design, StateStore& store, SchemaPtr input, SchemaPtr output)
    : design_(std::move(design)),
      table_(store.table(design_.table)),
      time_(input->time),
      output_(std::move(output)),
      key_columns_(design_.by) {}

Status Dedup::on_batch(std::size_t /*input*/, Batch batch, Emitter& out) {
  if (time_ && (design_.last || design_.ttl)) STREAM_TRY(drop_timeless(batch, *time_, out));
  if (batch.rows == 0) return {};
  look_up(batch);
  return design_.last ? replace(batch, out) : pass_first(batch, out);
}

void Dedup::look_up(const Batch& batch) {
  groups_.make(batch, key_columns_);
  rows_.resize(groups_.count());
  inserted_.resize(groups_.count());
  table_.upsert(groups_.keys(batch, key_columns_), key_columns_, groups_.hashes(), rows_, inserted_);
}

// What look_up() found or made is marked as changed.
void Dedup::set_values(const Batch& batch, std::span<const Row> rows, std::span<const std::uint32_t> from) {
  for (std::size_t i = 0; i < design_.values.size(); ++i) {
    table_.store(rows, design_.by.size() + i, batch.columns[design_.values[i]], from);
  }
}

Status Dedup::pass_first(const Batch& batch, Emitter& out) {
  std::vector<std::uint32_t> passed;
  std::vector<Row> fresh;
  for (std::uint32_t group = 0; group < groups_.count(); ++group) {
    if (inserted_[group] == 0) continue;
    passed.push_back(groups_.first()[group]);
    fresh.push_back(rows_[group]);
  }
  set_values(batch, fresh, passed);
  if (passed.empty() || !output_) return {};
  Batch kept{output_, passed.size(), {}, {}};
  for (const Field& field : output_->fields)
    kept.columns.push_back(batch.columns[*batch.schema->find(field.name)].take(passed));
  return out.emit(std::move(kept));
}

// By group the row of the batch that is the latest now; the number of rows where what is kept stays.
std::vector<std::uint32_t> Dedup::latest(const Batch& batch) const {
  const auto none = static_cast<std::uint32_t>(batch.rows);
  std::vector<std::uint32_t> latest(groups_.count(), none);
  if (!time_) {
    for (std::uint32_t row = 0; row < batch.rows; ++row) latest[groups_.of(row)] = row;
    return latest;
  }
  const auto key = std::ranges::find(design_.by, *time_);
  const auto value = std::ranges::find(design_.values, *time_);
  const std::size_t column = key != design_.by.end()
                                 ? static_cast<std::size_t>(key - design_.by.begin())
                                 : design_.by.size() + static_cast<std::size_t>(value - design_.values.begin());
  std::vector<Microseconds> times(groups_.count(), INT64_MIN);
  for (std::size_t group = 0; group < times.size(); ++group) {
    if (inserted_[group] == 0) times[group] = table_.get<std::int64_t>(rows_[group], column);
  }
  for (std::uint32_t row = 0; row < batch.rows; ++row) {
    const std::uint32_t group = groups_.of(row);
    const auto time = batch.columns[*time_].value<std::int64_t>(row);
    if (time < times[group]) continue;
    times[group] = time;
    latest[group] = row;
  }
  return latest;
}

Batch Dedup::changes(const Batch& batch, std::span<const std::uint32_t> latest) const {
  BatchBuilder builder(output_);
  std::vector<std::size_t> from;
  std::vector<std::size_t> kept;
  for (const Field& field : output_->fields) {
    from.push_back(*batch.schema->find(field.name));
    kept.push_back(*design_.table.find(field.name));
  }
  for (std::size_t group = 0; group < latest.size(); ++group) {
    if (latest[group] == batch.rows) continue;
    const bool known = inserted_[group] == 0;
    if (known) {
      for (std::size_t c = 0; c < kept.size(); ++c) table_.append_to(rows_[group], kept[c], builder.column(c));
      builder.end_row(RowKind::kUpdateBefore);
    }
    for (std::size_t c = 0; c < from.size(); ++c) builder.column(c).append_from(batch.columns[from[c]], latest[group]);
    builder.end_row(known ? RowKind::kUpdateAfter : RowKind::kInsert);
  }
  return builder.finish();
}

// The same for readers that know by the key what is replaced.
Batch Dedup::upserts(const Batch& batch, std::span<const std::uint32_t> rows,
                     std::span<const std::uint8_t> fresh) const {
  Batch out{output_, rows.size(), {}, {}};
  for (const Field& field : output_->fields)
    out.columns.push_back(batch.columns[*batch.schema->find(field.name)].take(rows));
  ByteBuilder kinds(rows.size());
  for (const std::uint8_t is_fresh : fresh) {
    kinds.append_value(is_fresh != 0 ? RowKind::kInsert : RowKind::kUpdateAfter);
  }
  out.kinds = kinds.finish();
  return out;
}

Status Dedup::replace(const Batch& batch, Emitter& out) {
  const std::vector<std::uint32_t> latest_rows = latest(batch);
  std::vector<std::uint32_t> from;
  std::vector<Row> to;
  std::vector<std::uint8_t> fresh;
  for (std::size_t group = 0; group < latest_rows.size(); ++group) {
    if (latest_rows[group] == batch.rows) continue;
    from.push_back(latest_rows[group]);
    to.push_back(rows_[group]);
    fresh.push_back(inserted_[group]);
  }
  if (from.empty()) return {};
  Batch changed{nullptr, 0, {}, {}};
  if (output_) {
    changed = output_->changelog == Changelog::kUpserts ? upserts(batch, from, fresh) : changes(batch, latest_rows);
  }
  set_values(batch, to, from);
  return changed.rows == 0 ? Status() : out.emit(std::move(changed));
}

Status Dedup::on_watermark(Microseconds watermark, Emitter& /*out*/) {
  // The end of the input says nothing about how old a key is.
  if (!design_.ttl || watermark == kEndOfTime) return {};
  Microseconds until = 0;
  if (!__builtin_sub_overflow(watermark, *design_.ttl, &until)) table_.erase_before(until);
  return {};
}

}  // namespace stream
