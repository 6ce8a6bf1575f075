// What a top-n emits: changes of groups, and the groups of complete windows.
#include <algorithm>

#include "stages/top-n/top_n.h"

namespace stream {
namespace {

constexpr std::size_t kEmitRows = 16'384;

}  // namespace

// `rows`: of the picks, if all are kept; else empty.
Column TopN::column_of(const Field& field, std::span<const Row> rows) const {
  ColumnBuilder builder(field.type, picks_.size());
  if (field.name == design_.rank) {
    for (const Pick& pick : picks_) builder.append(static_cast<std::int64_t>(pick.rank));
    return builder.finish();
  }
  const std::size_t column = *design_.input.find(field.name);
  if (!rows.empty()) return table_.gather(rows, design_.columns[column]);
  for (const Pick& pick : picks_) {
    if (pick.of.row) {
      table_.append_to(pick.of.row, design_.columns[column], builder);
    } else {
      builder.append_from(batch_.columns[column], pick.of.index);
    }
  }
  return builder.finish();
}

Status TopN::emit(Emitter& out) {
  Status status;
  if (output_ && !picks_.empty()) {
    Batch batch{output_, picks_.size(), {}, {}};
    std::vector<Row> rows;
    for (const Pick& pick : picks_) {
      if (pick.of.row) rows.push_back(pick.of.row);
    }
    if (rows.size() != picks_.size()) rows.clear();
    for (const Field& field : output_->fields) batch.columns.push_back(column_of(field, rows));
    if (!design_.windows) {
      ByteBuilder kinds;
      for (const Pick& pick : picks_) kinds.append_value(pick.kind);
      batch.kinds = kinds.finish();
    }
    status = out.emit(std::move(batch));
  }
  picks_.clear();
  return status;
}

Status TopN::on_watermark(Microseconds watermark, Emitter& out) {
  if (idle_ && !idle_->by_clock()) expire(watermark);
  if (!design_.windows || watermark <= watermark_) return {};
  watermark_ = watermark;
  collect_closed();
  firing_ = true;
  return fire_some(out);
}

// Rows of complete groups, group by group and in order within each.
void TopN::collect_closed() {
  closed_.clear();
  fired_ = 0;
  std::vector<Row> rows(kEmitRows);
  TimeCursor cursor;
  for (std::size_t count = kEmitRows; count == kEmitRows;) {
    count = table_.scan_before(cursor, watermark_, rows);
    closed_.insert(closed_.end(), rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(count));
  }
  std::vector<OrderColumn> ordering;
  for (const std::size_t column : design_.by) ordering.push_back({column, false, false});
  ordering.insert(ordering.end(), design_.order.begin(), design_.order.end());
  std::vector<Column> columns;
  for (const OrderColumn& order : ordering) columns.push_back(table_.gather(closed_, design_.columns[order.column]));
  OrderKeys keys;
  keys.make(ordering, columns, table_.gather(closed_, design_.arrival));
  std::vector<std::pair<std::string_view, Row>> sorted;
  for (std::size_t i = 0; i < closed_.size(); ++i) sorted.emplace_back(keys[i], closed_[i]);
  std::ranges::sort(sorted, {}, &std::pair<std::string_view, Row>::first);
  for (std::size_t i = 0; i < sorted.size(); ++i) closed_[i] = sorted[i].second;
}

// The rank of a row, given that of the one before.
std::uint64_t TopN::rank_closed(std::size_t at) {
  if (at == 0) return 1;
  for (const std::size_t column : design_.by) {
    const std::size_t of = design_.columns[column];
    if (table_.cell(closed_[at], of) != table_.cell(closed_[at - 1], of)) return 1;
  }
  return rank_ + 1;
}

Status TopN::fire_some(Emitter& out) {
  while (fired_ < closed_.size()) {
    if (out.full()) return {};
    const std::size_t end = std::min(closed_.size(), fired_ + kEmitRows);
    for (; fired_ < end; ++fired_) {
      rank_ = rank_closed(fired_);
      if (rank_ <= design_.limit) picks_.push_back({{{}, closed_[fired_], 0}, rank_, RowKind::kInsert});
    }
    STREAM_TRY(emit(out));
  }
  table_.erase_before(watermark_);
  closed_.clear();
  firing_ = false;
  return {};
}

}  // namespace stream
