#include "stages/lookup/row_cache.h"

#include <algorithm>
#include <numeric>

#include "transport/record/key.h"

namespace stream {
namespace {

// Columns of an entry behind its key.
constexpr std::size_t kNumber = 0;
constexpr std::size_t kReadAt = 1;
constexpr std::size_t kCount = 2;

std::vector<Field> key_fields(const Schema& schema, std::span<const std::size_t> key) {
  std::vector<Field> fields;
  for (std::size_t i = 0; i < key.size(); ++i) fields.push_back({"k" + std::to_string(i), schema.fields[key[i]].type});
  return fields;
}

TableSpec entries_spec(const Schema& schema, std::span<const std::size_t> key) {
  TableSpec spec{.name = "entries"};
  spec.key = key_fields(schema, key);
  for (const char* name : {"number", "read_at", "count"}) spec.add_value({name, kBigint}, "");
  return spec;
}

TableSpec kept_spec(const Schema& schema, std::span<const std::size_t> key) {
  TableSpec spec{.name = "kept"};
  spec.key = key_fields(schema, key);
  spec.key.push_back({"arrival", kBigint});
  spec.prefix = key.size();
  for (std::size_t i = 0; i < schema.fields.size(); ++i) {
    if (std::ranges::find(key, i) == key.end()) spec.add_value({"c" + std::to_string(i), schema.fields[i].type}, "");
  }
  return spec;
}

}  // namespace

RowCache::RowCache(SchemaPtr schema, std::vector<std::size_t> key, std::uint64_t rows_max,
                   std::optional<Microseconds> expire)
    : schema_(std::move(schema)),
      key_(std::move(key)),
      rows_max_(rows_max),
      expire_(expire),
      leading_(key_.size()),
      entries_(entries_spec(*schema_, key_), false),
      kept_(kept_spec(*schema_, key_), false) {
  std::iota(leading_.begin(), leading_.end(), std::size_t{0});
  std::size_t next = key_.size() + 1;
  for (std::size_t i = 0; i < schema_->fields.size(); ++i) {
    const auto at = std::ranges::find(key_, i);
    columns_.push_back(at == key_.end() ? next++ : static_cast<std::size_t>(at - key_.begin()));
  }
}

Batch RowCache::gather(std::span<const Row> rows) const {
  Batch out{schema_, rows.size(), {}, {}};
  for (const std::size_t column : columns_) out.columns.push_back(kept_.gather(rows, column));
  return out;
}

std::vector<std::uint32_t> RowCache::find(const Batch& keys, std::span<const std::uint64_t> hashes, Microseconds now,
                                          std::vector<Batch>& rows) {
  std::vector<Row> entries(keys.rows);
  std::vector<Row> first(keys.rows);
  entries_.find(keys, leading_, hashes, entries);
  kept_.find_prefix(keys, leading_, hashes, first);
  std::vector<std::uint32_t> missing;
  std::vector<Row> found;
  for (std::uint32_t i = 0; i < keys.rows; ++i) {
    if (!entries[i]) {
      missing.push_back(i);
    } else if (expire_ && now - entries_.get<std::int64_t>(entries[i], key_.size() + kReadAt) >= *expire_) {
      forget(entries[i]);
      missing.push_back(i);
    } else {
      recent_.touch(static_cast<std::uint32_t>(entries_.get<std::int64_t>(entries[i], key_.size() + kNumber)));
      for (Row row = first[i]; row; row = kept_.next_of_prefix(row)) found.push_back(row);
    }
  }
  if (!found.empty()) rows.push_back(gather(found));
  return missing;
}

void RowCache::add(const Batch& keys, std::span<const std::uint64_t> hashes, std::span<const Batch> rows,
                   Microseconds now) {
  std::vector<Row> entries(keys.rows);
  std::vector<std::uint8_t> inserted(keys.rows);
  entries_.upsert(keys, leading_, hashes, entries, inserted);
  for (std::uint32_t i = 0; i < keys.rows; ++i) {
    if (inserted[i] == 0) continue;
    const std::uint32_t number = recent_.add();
    if (number >= entry_of_.size()) entry_of_.resize(number + 1);
    entry_of_[number] = entries[i];
    entries_.set<std::int64_t>(entries[i], key_.size() + kNumber, number);
    entries_.set<std::int64_t>(entries[i], key_.size() + kReadAt, now);
    ++rows_;
  }
  for (const Batch& batch : rows) add_rows(batch);
  shrink();
}

void RowCache::add_rows(const Batch& rows) {
  Batch keys{nullptr, rows.rows, {}, {}};
  for (const std::size_t column : key_) keys.columns.push_back(rows.columns[column]);
  std::vector<std::uint64_t> hashes(rows.rows);
  std::vector<Row> entries(rows.rows);
  hash_keys(keys, leading_, hashes);
  entries_.find(keys, leading_, hashes, entries);
  ByteBuilder arrivals;
  auto* arrival = reinterpret_cast<std::int64_t*>(arrivals.extend(rows.rows * sizeof(std::int64_t)));
  std::iota(arrival, arrival + rows.rows, arrivals_);
  arrivals_ += static_cast<std::int64_t>(rows.rows);
  keys.columns.emplace_back(kBigint, rows.rows, Buffer(), arrivals.finish());
  std::vector<std::size_t> all(keys.columns.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  hash_keys(keys, all, hashes);
  std::vector<Row> kept(rows.rows);
  kept_.upsert(keys, all, hashes, kept, {});
  for (std::uint32_t i = 0; i < rows.rows; ++i) {
    for (std::size_t column = 0; column < columns_.size(); ++column) {
      if (columns_[column] > key_.size()) kept_.set_from(kept[i], columns_[column], rows.columns[column], i);
    }
    if (!entries[i]) continue;
    const std::size_t counter = key_.size() + kCount;
    const auto count = entries_.get<std::int64_t>(entries[i], counter);
    entries_.set<std::int64_t>(entries[i], counter, count + 1);
    if (count > 0) ++rows_;
  }
}

void RowCache::shrink() {
  while (rows_ > rows_max_) forget(entry_of_[recent_.oldest()]);
}

void RowCache::forget(Row entry) {
  std::vector<Cell> key;
  for (const std::size_t column : leading_) key.push_back(entries_.cell(entry, column));
  for (Row row = kept_.find_prefix(key); row;) {
    const Row next = kept_.next_of_prefix(row);
    kept_.erase(row);
    row = next;
  }
  const auto count = entries_.get<std::int64_t>(entry, key_.size() + kCount);
  rows_ -= static_cast<std::size_t>(std::max<std::int64_t>(1, count));
  recent_.remove(static_cast<std::uint32_t>(entries_.get<std::int64_t>(entry, key_.size() + kNumber)));
  entries_.erase(entry);
}

}  // namespace stream
