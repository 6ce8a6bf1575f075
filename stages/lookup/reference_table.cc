#include "stages/lookup/reference_table.h"

#include <algorithm>
#include <numeric>

#include "transport/record/key.h"
#include "transport/record/same_value.h"

namespace stream {
namespace {

bool is_integer(Type type) { return type.kind == TypeKind::kBigint || type.kind == TypeKind::kTimestamp; }

Result<Batch> one_batch(const SchemaPtr& schema, std::span<const Batch> batches) {
  std::uint64_t rows = 0;
  std::vector<std::uint64_t> bytes(schema->fields.size());
  for (const Batch& batch : batches) {
    rows += batch.rows;
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] += batch.columns[i].values_buffer().size();
  }
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (!schema->fields[i].type.variable() || bytes[i] <= INT32_MAX) continue;
    return usage_error("column '" + schema->fields[i].name +
                       "' of the reference has more than 2 GiB; give 'cache' to keep a part of it only");
  }
  if (rows >= ReferenceTable::kNone) return usage_error("the reference has too many rows; give 'cache'");
  if (batches.size() == 1) return batches[0];
  BatchBuilder all(schema);
  for (const Batch& batch : batches) all.append_all(batch);
  return all.finish();
}

// One BIGINT or TIMESTAMP.
struct IntegerEqual {
  const std::int64_t* keys;
  const std::int64_t* of_number;
  bool operator()(std::size_t i, std::uint32_t number) const { return keys[i] == of_number[number]; }
};

struct ValuesEqual {
  const Batch& keys;
  const ReferenceTable& table;
  std::span<const std::size_t> columns;
  bool operator()(std::size_t i, std::uint32_t number) const {
    const std::uint32_t row = table.begin(number);
    for (std::size_t k = 0; k < columns.size(); ++k) {
      if (!same_value(keys.columns[k], i, table.rows().columns[columns[k]], row)) return false;
    }
    return true;
  }
};

}  // namespace

bool any_null(const Batch& batch, std::span<const std::size_t> columns, std::size_t row) {
  return std::ranges::any_of(columns, [&](std::size_t column) { return !batch.columns[column].valid(row); });
}

Result<std::shared_ptr<const ReferenceTable>> ReferenceTable::make(const SchemaPtr& schema,
                                                                   std::span<const Batch> batches,
                                                                   std::vector<std::size_t> key,
                                                                   std::optional<std::size_t> version) {
  STREAM_ASSIGN(const Batch all, one_batch(schema, batches));
  std::shared_ptr<ReferenceTable> table(new ReferenceTable());
  table->key_ = std::move(key);
  table->version_ = version;
  std::vector<std::uint32_t> key_of(all.rows, kNone);
  table->group(all, key_of);
  table->arrange(all, key_of);
  return std::shared_ptr<const ReferenceTable>(std::move(table));
}

// Numbers the keys in the order they come; counts their rows in begin_[number + 1].
void ReferenceTable::group(const Batch& all, std::vector<std::uint32_t>& key_of) {
  std::vector<std::uint64_t> hashes(all.rows);
  hash_keys(all, key_, hashes);
  std::vector<std::uint32_t> first;  // row, by number
  slots_.reserve(all.rows + 1);
  for (std::uint32_t row = 0; row < all.rows; ++row) {
    if (any_null(all, key_, row) || (version_ && !all.columns[*version_].valid(row))) continue;
    const std::size_t at = slots_.locate(hashes[row], [&](std::uint32_t number) {
      return std::ranges::all_of(
          key_, [&](std::size_t c) { return same_value(all.columns[c], row, all.columns[c], first[number]); });
    });
    if (slots_.at(at) == kNoRow) {
      slots_.put(at, hashes[row], static_cast<std::uint32_t>(first.size()));
      first.push_back(row);
      begin_.push_back(0);
    }
    key_of[row] = slots_.at(at);
    ++begin_[key_of[row] + 1];
  }
  std::partial_sum(begin_.begin(), begin_.end(), begin_.begin());
}

void ReferenceTable::arrange(const Batch& all, const std::vector<std::uint32_t>& key_of) {
  std::vector<std::uint32_t> order(begin_.back());
  std::vector<std::uint32_t> next(begin_.begin(), begin_.end() - 1);
  for (std::uint32_t row = 0; row < all.rows; ++row) {
    if (key_of[row] != kNone) order[next[key_of[row]]++] = row;
  }
  if (version_) {
    const auto* times = all.columns[*version_].values<std::int64_t>();
    for (std::size_t key = 0; key + 1 < begin_.size(); ++key) {
      std::stable_sort(order.begin() + begin_[key], order.begin() + begin_[key + 1],
                       [&](std::uint32_t a, std::uint32_t b) { return times[a] < times[b]; });
    }
  }
  rows_ = all.take(order);
  if (key_.size() != 1 || !is_integer(rows_.schema->fields[key_[0]].type)) return;
  const auto* values = rows_.columns[key_[0]].values<std::int64_t>();
  for (std::size_t key = 0; key + 1 < begin_.size(); ++key) first_.push_back(values[begin_[key]]);
}

template <class Equal>
void ReferenceTable::find_with(std::span<const std::uint64_t> hashes, std::span<std::uint32_t> out,
                               const Equal& equal) const {
  constexpr std::size_t kAhead = 512;  // slots fetched before the first is looked at
  for (std::size_t begin = 0; begin < hashes.size(); begin += kAhead) {
    const std::size_t end = std::min(hashes.size(), begin + kAhead);
    slots_.prefetch(hashes.subspan(begin, end - begin));
    for (std::size_t i = begin; i < end; ++i) {
      out[i] = slots_.at(slots_.locate(hashes[i], [&](std::uint32_t number) { return equal(i, number); }));
    }
  }
}

void ReferenceTable::find(const Batch& keys, std::span<const std::uint64_t> hashes,
                          std::span<std::uint32_t> out) const {
  if (!first_.empty()) {
    find_with(hashes, out, IntegerEqual{keys.columns[0].values<std::int64_t>(), first_.data()});
  } else {
    find_with(hashes, out, ValuesEqual{keys, *this, key_});
  }
  std::vector<std::size_t> columns(keys.columns.size());
  std::iota(columns.begin(), columns.end(), std::size_t{0});
  if (std::ranges::none_of(keys.columns, [](const Column& column) { return column.has_nulls(); })) return;
  for (std::size_t row = 0; row < keys.rows; ++row) {
    if (any_null(keys, columns, row)) out[row] = kNone;
  }
}

std::uint32_t ReferenceTable::valid_at(std::uint32_t key, std::int64_t time) const {
  const auto* times = rows_.columns[*version_].values<std::int64_t>();
  const auto* begin = times + begin_[key];
  const auto* end = times + begin_[key + 1];
  const auto* after = std::upper_bound(begin, end, time);
  return after == begin ? kNone : static_cast<std::uint32_t>(after - times - 1);
}

}  // namespace stream
