#include "snapshot/outbox.h"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace stream {
namespace {

constexpr std::size_t kOutboxKey = 3;    // _epoch, _instance, _seq
constexpr std::size_t kFirstColumn = 4;  // behind _kind

Column bigints(std::size_t rows, auto&& value_of) {
  ByteBuilder values;
  auto* out = reinterpret_cast<std::int64_t*>(values.extend(rows * sizeof(std::int64_t)));
  for (std::size_t i = 0; i < rows; ++i) out[i] = value_of(i);
  return {kBigint, rows, {}, values.finish()};
}

Committable committable_of(const Batch& rows, std::size_t i) {
  return {Epoch(static_cast<std::uint64_t>(rows.columns[0].value<std::int64_t>(i))),
          static_cast<std::uint32_t>(rows.columns[1].value<std::int64_t>(i))};
}

Buffer kinds_of(const Column& column) {
  ByteBuilder kinds;
  bool inserts = true;
  for (std::size_t i = 0; i < column.size(); ++i) {
    const auto kind = static_cast<std::uint8_t>(column.value<std::int64_t>(i) & 3);
    inserts = inserts && kind == 0;
    kinds.append_value(kind);
  }
  return inserts ? Buffer() : kinds.finish();
}

}  // namespace

TableSpec outbox_spec(std::string name, std::vector<Field> columns) {
  TableSpec spec;
  spec.name = std::move(name);
  spec.distribution = Distribution::kOutbox;
  spec.key = {{"_epoch", kBigint}, {"_instance", kBigint}, {"_seq", kBigint}};
  spec.value = {{"_kind", kBigint}};
  spec.value.insert(spec.value.end(), columns.begin(), columns.end());
  spec.group_columns = 2;
  spec.ordered = "_epoch";
  return spec;
}

bool is_outbox(const TableSpec& spec) {
  return spec.distribution == Distribution::kOutbox && spec.key.size() == kOutboxKey && spec.key[0].name == "_epoch" &&
         !spec.value.empty() && spec.value[0].name == "_kind";
}

Batch outbox_rows(const OutboxBatch& entry) {
  const Batch& batch = entry.batch;
  Batch rows{nullptr, batch.rows, {}, {}};
  const auto epoch = static_cast<std::int64_t>(entry.committable.epoch.value());
  rows.columns.push_back(bigints(batch.rows, [&](std::size_t) { return epoch; }));
  rows.columns.push_back(bigints(batch.rows, [&](std::size_t) { return std::int64_t{entry.committable.origin}; }));
  rows.columns.push_back(
      bigints(batch.rows, [&](std::size_t i) { return entry.first_sequence + static_cast<std::int64_t>(i); }));
  rows.columns.push_back(bigints(batch.rows, [&](std::size_t i) { return static_cast<std::int64_t>(batch.kind(i)); }));
  rows.columns.insert(rows.columns.end(), batch.columns.begin(), batch.columns.end());
  return rows;
}

Outbox::Outbox(TableSpec spec, std::uint32_t instance, bool track_changes)
    : spec_(std::move(spec)), instance_(instance), track_(track_changes) {
  STREAM_CHECK(is_outbox(spec_));
  Schema schema;
  schema.fields.assign(spec_.value.begin() + 1, spec_.value.end());
  schema_ = std::make_shared<const Schema>(std::move(schema));
}

void Outbox::keep(Entry entry) {
  rows_ += entry.kept.batch.rows;
  size_bytes_ += entry.kept.batch.size_bytes();
  entries_[entry.kept.committable].push_back(std::move(entry));
}

void Outbox::append(Epoch epoch, Batch batch) {
  STREAM_CHECK(batch.columns.size() == schema_->fields.size());
  if (batch.rows == 0) return;
  const Committable committable{epoch, instance_};
  const auto found = entries_.find(committable);
  std::int64_t first = 0;
  if (found != entries_.end()) {
    const OutboxBatch& last = found->second.back().kept;
    first = last.first_sequence + static_cast<std::int64_t>(last.batch.rows);
  }
  keep({{committable, first, std::move(batch)}, generation_});
}

std::vector<Committable> Outbox::committables() const {
  std::vector<Committable> list;
  for (const auto& [committable, entries] : entries_) list.push_back(committable);
  return list;
}

std::vector<Batch> Outbox::batches(Committable committable) const {
  std::vector<Batch> list;
  const auto found = entries_.find(committable);
  if (found == entries_.end()) return list;
  for (const Entry& entry : found->second) {
    list.push_back(entry.kept.batch);
    list.back().schema = schema_;
  }
  return list;
}

void Outbox::unload_before(std::int64_t epoch) {
  while (!entries_.empty() && static_cast<std::int64_t>(entries_.begin()->first.epoch.value()) < epoch) {
    for (const Entry& entry : entries_.begin()->second) {
      rows_ -= entry.kept.batch.rows;
      size_bytes_ -= entry.kept.batch.size_bytes();
    }
    entries_.erase(entries_.begin());
  }
}

void Outbox::drop_through(Epoch epoch) {
  const auto before = static_cast<std::int64_t>(epoch.value()) + 1;
  const std::size_t rows = rows_;
  unload_before(before);
  if (track_ && rows_ != rows) drops_.emplace_back(generation_, before);
}

Outbox::Change Outbox::capture(std::uint64_t completed) {
  std::erase_if(drops_, [&](const auto& drop) { return drop.first <= completed; });
  Change change;
  for (const auto& [generation, before] : drops_) change.before = std::max(change.before, std::optional(before));
  for (const auto& [committable, entries] : entries_) {
    for (const Entry& entry : entries) {
      if (entry.generation > completed) change.batches.push_back(entry.kept);
    }
  }
  ++generation_;
  return change;
}

std::vector<OutboxBatch> Outbox::all() const {
  std::vector<OutboxBatch> list;
  for (const auto& [committable, entries] : entries_) {
    for (const Entry& entry : entries) list.push_back(entry.kept);
  }
  return list;
}

// Rows of one committable follow each other: one batch for each run of them.
void Outbox::load(const Batch& rows) {
  for (std::size_t begin = 0; begin < rows.rows;) {
    std::size_t end = begin + 1;
    while (end < rows.rows && committable_of(rows, end) == committable_of(rows, begin)) ++end;
    std::vector<std::uint32_t> positions(end - begin);
    std::iota(positions.begin(), positions.end(), static_cast<std::uint32_t>(begin));
    const Batch part = rows.take(positions);  // a copy in any case: what a visitor is shown does not last
    Batch batch{
        schema_, end - begin, {part.columns.begin() + kFirstColumn, part.columns.end()}, kinds_of(part.columns[3])};
    keep({{committable_of(rows, begin), rows.columns[2].value<std::int64_t>(begin), std::move(batch)}, 0});
    begin = end;
  }
}

}  // namespace stream
