#include "snapshot/table_slices.h"

#include <algorithm>

#include "snapshot/grouping.h"

namespace stream {
namespace {

// What a row takes in a batch.
class RowBytes {
 public:
  explicit RowBytes(const StateTable& table) : table_(table) {
    for (std::uint32_t i = 0; i < table.spec().columns(); ++i) {
      const Type type = table.spec().field(i).type;
      fixed_ += type.variable() ? sizeof(std::int32_t) : type.width();
      if (type.variable()) variable_.push_back(i);
    }
  }
  std::uint64_t of(Row row) const {
    std::uint64_t bytes = fixed_;
    for (const std::uint32_t column : variable_) bytes += table_.bytes(row, column).size();
    return bytes;
  }

 private:
  const StateTable& table_;
  std::uint64_t fixed_ = 0;
  std::vector<std::uint32_t> variable_;
};

// How many of the first rows make a slice.
std::size_t slice_of(const StateTable& table, std::span<const Row> rows, std::uint64_t bytes_max) {
  const RowBytes size(table);
  std::uint64_t bytes = 0;
  std::size_t count = 0;
  for (; count < rows.size(); ++count) {
    bytes += size.of(rows[count]);
    if (count > 0 && bytes > bytes_max) break;
  }
  return count;
}

Batch columns(const StateTable& table, std::span<const Row> rows, std::size_t count) {
  Batch batch{nullptr, rows.size(), {}, {}};
  for (std::size_t i = 0; i < count; ++i) batch.columns.push_back(table.gather(rows, i));
  return batch;
}

void sort_by_group(const StateTable& table, std::uint32_t key_groups, std::uint64_t bytes_max, std::vector<Row>& rows) {
  std::vector<std::pair<std::uint32_t, Row>> by_group;
  by_group.reserve(rows.size());
  for (std::span<const Row> left(rows); !left.empty();) {
    const auto slice = left.first(slice_of(table, left, bytes_max));
    const auto hashes = group_hashes(table.spec(), columns(table, slice, table.spec().key.size()));
    for (std::size_t i = 0; i < slice.size(); ++i) {
      by_group.emplace_back(key_group_of(hashes[i], key_groups).value(), slice[i]);
    }
    left = left.subspan(slice.size());
  }
  std::ranges::stable_sort(by_group, {}, [](const auto& entry) { return entry.first; });
  std::ranges::transform(by_group, rows.begin(), [](const auto& entry) { return entry.second; });
}

}  // namespace

Batch all_columns(const StateTable& table, std::span<const Row> rows) {
  return columns(table, rows, table.spec().columns());
}

Status for_each_slice(const StateTable& table, std::uint32_t key_groups, std::uint64_t bytes_max,
                      const std::function<Status(const Batch&)>& visit) {
  if (table.rows() == 0) return {};
  std::vector<Row> rows(table.rows());
  TableCursor cursor;
  rows.resize(table.scan(cursor, rows));
  if (slice_of(table, rows, bytes_max) == rows.size()) return visit(all_columns(table, rows));
  sort_by_group(table, key_groups, bytes_max, rows);
  for (std::span<const Row> left(rows); !left.empty();) {
    const auto slice = left.first(slice_of(table, left, bytes_max));
    STREAM_TRY(visit(all_columns(table, slice)));
    left = left.subspan(slice.size());
  }
  return {};
}

Status for_each_chunk(const StateTable& table, std::size_t rows, const std::function<Status(const Batch&)>& visit) {
  TableCursor cursor;
  std::vector<Row> some(rows);
  while (const std::size_t count = table.scan(cursor, some)) {
    STREAM_TRY(visit(all_columns(table, std::span(some).first(count))));
  }
  return {};
}

}  // namespace stream
