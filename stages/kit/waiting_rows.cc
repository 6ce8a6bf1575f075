#include "stages/kit/waiting_rows.h"

#include <algorithm>
#include <numeric>

#include "snapshot/state_store.h"
#include "transport/record/key.h"

namespace stream {
namespace {

TableSpec begin_spec(std::string name, const Schema& input, std::span<const std::size_t> by, StateColumnNames& names) {
  TableSpec spec;
  spec.name = std::move(name);
  for (const std::size_t column : by) {
    spec.key.push_back({names.add(input.fields[column].name), input.fields[column].type});
  }
  spec.key.push_back({names.add("number"), kBigint});
  spec.group_columns = by.size();
  spec.definition = "rows that wait for event time";
  return spec;
}

}  // namespace

WaitingLayout::WaitingLayout(std::string table, const Schema& input, std::vector<std::size_t> columns_by)
    : spec(begin_spec(std::move(table), input, columns_by, names)),
      by(std::move(columns_by)),
      time(*input.time),
      columns(input, spec, names, by) {
  spec.ordered = spec.field(columns.column(time)).name;
}

WaitingRows::WaitingRows(WaitingLayout layout, StateStore& store)
    : layout_(std::move(layout)),
      table_(store.table(layout_.spec)),
      key_schema_(std::make_shared<const Schema>(Schema{layout_.spec.key, {}, {}, Changelog::kAppend})),
      number_column_(layout_.by.size()),
      time_column_(layout_.columns.column(layout_.time)) {}

// Keys of rows that come: by …, number.
Batch WaitingRows::numbered(const Batch& batch, std::span<const std::uint32_t> rows) {
  Batch keys{key_schema_, rows.size(), {}, {}};
  for (const std::size_t column : layout_.by) keys.columns.push_back(batch.columns[column].take(rows));
  ColumnBuilder numbers(kBigint, rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) numbers.append(number_++);
  keys.columns.push_back(numbers.finish());
  return keys;
}

void WaitingRows::add(const Batch& batch, std::span<const std::uint32_t> rows) {
  if (rows.empty()) return;
  const Batch keys = numbered(batch, rows);
  std::vector<std::size_t> key_columns(keys.columns.size());
  std::iota(key_columns.begin(), key_columns.end(), 0U);
  std::vector<std::uint64_t> hashes(rows.size());
  hash_keys(keys, key_columns, hashes);
  std::vector<Row> made(rows.size());
  table_.upsert(keys, key_columns, hashes, made, {});
  for (std::size_t i = 0; i < rows.size(); ++i) layout_.columns.set(table_, made[i], batch, rows[i]);
}

bool WaitingRows::any_before(Microseconds until) const {
  const auto first = table_.first_time();
  return first && *first < until;
}

void WaitingRows::next(Microseconds until, std::size_t most, std::span<const OrderColumn> order,
                       std::vector<Row>* rows) const {
  rows->clear();
  TimeCursor cursor;
  Row row;
  std::size_t tie = 0;  // where the rows of the newest time begin
  while (table_.scan_before(cursor, until, {&row, 1}) == 1) {
    if (!rows->empty() && time(row) != time(rows->back())) {
      order_ties(order, std::span(*rows).subspan(tie));
      tie = rows->size();
      if (rows->size() >= most) return;
    }
    rows->push_back(row);
  }
  order_ties(order, std::span(*rows).subspan(tie));
}

void WaitingRows::order_ties(std::span<const OrderColumn> order, std::span<Row> rows) const {
  if (rows.size() < 2) return;
  if (!order.empty()) return order_by_keys(order, rows);
  std::ranges::sort(rows, {}, [&](Row row) { return table_.get<std::int64_t>(row, number_column_); });
}

void WaitingRows::order_by_keys(std::span<const OrderColumn> order, std::span<Row> rows) const {
  std::vector<Column> columns;
  for (const OrderColumn& by : order) columns.push_back(table_.gather(rows, column(by.column)));
  OrderKeys keys;
  keys.make(order, columns, table_.gather(rows, number_column_));
  std::vector<std::size_t> places(rows.size());
  std::iota(places.begin(), places.end(), 0U);
  std::ranges::sort(places, {}, [&](std::size_t place) { return keys[place]; });
  const std::vector<Row> before(rows.begin(), rows.end());
  for (std::size_t i = 0; i < places.size(); ++i) rows[i] = before[places[i]];
}

void WaitingRows::erase(std::span<const Row> rows) {
  for (const Row row : rows) table_.erase(row);
}

// Of instances whose rows came together some may have one number: their keys are others.
void WaitingRows::on_restored() {
  table_.for_each([&](Row row) { number_ = std::max(number_, table_.get<std::int64_t>(row, number_column_) + 1); });
}

}  // namespace stream
