// Tables of values: what DISTINCT has seen, elements of lists, and minima that may be taken back.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "stages/aggregate/accumulators.h"
#include "stages/aggregate/elements.h"
#include "stages/aggregate/loops.h"
#include "transport/record/key.h"

namespace stream {
namespace {

using aggregate::each;
using aggregate::Slots;

constexpr char kListTooLong[] = "a list of more than 1 MiB";

// Whether a row of the table has this value; -0 and 0 are one, as are all NaN.
bool holds(const StateTable& table, Row row, std::size_t column, const Column& values, std::size_t i) {
  if (table.is_null(row, column)) return false;
  const Type type = values.type();
  if (type.variable()) return table.bytes(row, column) == values.bytes(i);
  if (type == kDouble) {
    const auto a = table.get<double>(row, column);
    const auto b = values.value<double>(i);
    return a == b || (std::isnan(a) && std::isnan(b));
  }
  const std::size_t width = type.width();
  return std::memcmp(row.at + table.layout().offset(column), values.values_buffer().data() + i * width, width) == 0;
}

}  // namespace

std::vector<Row> values_of_group(const AggregateDesign& design, const StateTable& groups, Row group,
                                 const StateTable& values) {
  std::vector<Row> rows;
  if (design.group_columns() == 0 || values.spec().prefix == 0) {
    values.for_each([&](Row row) { rows.push_back(row); });
    return rows;
  }
  std::vector<Cell> key;
  for (std::size_t c = 0; c < values.spec().prefix; ++c) key.push_back(groups.cell(group, c));
  for (Row row = values.find_prefix(key); row; row = values.next_of_prefix(row)) rows.push_back(row);
  return rows;
}

// --- a batch ------------------------------------------------------------------------------------

// Of the rows in picked_.
Column Accumulators::order_of(Call& call, const AddTo& to, const Batch& batch) {
  if (call.state.order == ValueOrder::kTime) return batch.columns[design_.order].take(picked_);
  const Slots<std::int64_t> arrivals(table_, to.rows, call.state.count);
  ColumnBuilder out(kBigint, picked_.size());
  for (const std::uint32_t row : picked_) out.append((*arrivals[row])++);
  return out.finish();
}

// Counts the values of the batch. Where the call is DISTINCT, leaves in the mask the rows that make the group know a
// value, or no longer know it.
void Accumulators::add_values(Call& call, const AddTo& to, const Batch& batch) {
  StateTable& table = *distinct_[call.state.distinct];
  const std::size_t rows = to.rows.size();
  picked_.clear();
  for (std::uint32_t i = 0; i < rows; ++i) {
    if (!call.masked || call.mask[i] != 0) picked_.push_back(i);
  }
  Batch values{nullptr, picked_.size(), {}, {}};
  if (!design_.global()) values.columns = to.keys->columns;
  values.columns.push_back(call.argument);
  if (picked_.size() != rows)
    std::ranges::transform(values.columns, values.columns.begin(), [&](const Column& c) { return c.take(picked_); });
  if (call.state.order != ValueOrder::kAny) values.columns.insert(values.columns.end() - 1, order_of(call, to, batch));
  std::vector<std::size_t> columns(values.columns.size());
  for (std::size_t i = 0; i < columns.size(); ++i) columns[i] = i;
  hashes_.resize(values.rows);
  found_.resize(values.rows);
  new_.resize(values.rows);
  hash_keys(values, columns, hashes_);
  table.upsert(values, columns, hashes_, found_, new_);
  if (call.call->distinct) {
    call.mask.assign(rows, 0);
    call.masked = true;
  }
  for (std::size_t i = 0; i < picked_.size(); ++i) {
    if (new_[i] != 0) call.made.push_back(found_[i]);
  }
  if (call.state.times == kNone) {
    for (std::size_t i = 0; i < picked_.size(); ++i) call.mask[picked_[i]] = new_[i];
  } else {
    for (std::size_t i = 0; i < picked_.size(); ++i) count_value(call, found_[i], picked_[i]);
  }
}

void Accumulators::count_value(Call& call, Row value, std::uint32_t row) {
  auto* times = distinct_[call.state.distinct]->at<std::int64_t>(value, call.state.times);
  const bool known = *times > 0;
  *times += sign(row);
  call.seen.push_back(value);
  call.seen_by.push_back(row);
  if (call.call->distinct) call.mask[row] = known != (*times > 0) ? 1 : 0;
}

// True if a list gets too long.
bool Accumulators::add_length(Call& call, const AddTo& to, bool undo) {
  const Slots<std::int64_t> slots(table_, to.rows, call.state.value);
  const auto separator = static_cast<std::int64_t>(separator_size(*call.call));
  bool overflow = false;
  each(to.rows.size(), call.chosen(), [&](std::size_t i) {
    const auto size = static_cast<std::int64_t>(call.argument.bytes(i).size()) + separator;
    *slots[i] += (sign(i) < 0) != undo ? -size : size;
    overflow |= *slots[i] > kListBytes;
  });
  if (overflow) overflow_ = kListTooLong;
  return overflow;
}

void Accumulators::forget_values(Call& call, const AddTo& to) {
  StateTable& table = *distinct_[call.state.distinct];
  for (std::size_t i = 0; i < call.seen.size(); ++i) {
    *table.at<std::int64_t>(call.seen[i], call.state.times) -= sign(call.seen_by[i]);
    if (call.state.order == ValueOrder::kArrival)
      --*table_.at<std::int64_t>(to.rows[call.seen_by[i]], call.state.count);
  }
  for (const Row row : call.made) table.erase(row);
  call.seen.clear();
  call.seen_by.clear();
  call.made.clear();
}

// Values of which every row has been taken back are gone.
void Accumulators::settle_values(Call& call) {
  StateTable& table = *distinct_[call.state.distinct];
  if (signs_ != nullptr && call.state.times != kNone) {
    touched_.clear();
    touched_.add_all(call.seen);
    for (const Row row : touched_.rows()) {
      if (table.get<std::int64_t>(row, call.state.times) == 0) table.erase(row);
    }
  }
  call.seen.clear();
  call.seen_by.clear();
  call.made.clear();
}

// --- minima and maxima that may be taken back ---------------------------------------------------

// Values that came and stayed are compared; only where the best of a group has gone all of its values are.
void Accumulators::add_changing_extreme(Call& call, const AddTo& to) {
  const StateTable& values = *distinct_[call.state.distinct];
  call.maybe_null = true;
  call.mask.assign(to.rows.size(), 0);
  call.masked = true;
  for (std::size_t i = 0; i < call.seen.size(); ++i) {
    const std::uint32_t row = call.seen_by[i];
    call.mask[row] = sign(row) > 0 && values.get<std::int64_t>(call.seen[i], call.state.times) > 0 ? 1 : 0;
  }
  add_extreme(call, to);
  std::vector<Row> groups;
  for (std::size_t i = 0; i < call.seen.size(); ++i) {
    const std::uint32_t row = call.seen_by[i];
    if (sign(row) > 0 || values.get<std::int64_t>(call.seen[i], call.state.times) > 0) continue;
    if (holds(table_, to.rows[row], call.state.value, call.argument, row)) groups.push_back(to.rows[row]);
  }
  if (groups.empty()) return;
  touched_.clear();
  touched_.add_all(groups);
  find_extremes(call, std::vector<Row>(touched_.rows()));
}

void Accumulators::find_extremes(Call& call, std::span<const Row> groups) {
  const StateTable& values = *distinct_[call.state.distinct];
  std::vector<Row> rows;
  std::vector<Row> of;
  for (const Row group : groups) {
    table_.set_null(group, call.state.value);
    for (const Row row : values_of_group(design_, table_, group, values)) {
      if (values.get<std::int64_t>(row, call.state.times) <= 0) continue;
      rows.push_back(row);
      of.push_back(group);
    }
  }
  call.argument = values.gather(rows, values.spec().key.size() - 1);
  call.masked = false;
  fresh_.swap(no_fresh_);
  add_extreme(call, {of, {}, nullptr});
  fresh_.swap(no_fresh_);
}

}  // namespace stream
