// Rows that the watermark has passed go to their sequences.
#include <algorithm>
#include <numeric>
#include <tuple>

#include "stages/kit/batch_groups.h"
#include "stages/match/match.h"
#include "transport/record/key.h"

namespace stream {
namespace {

constexpr std::size_t kTakeRows = 32'768;

}  // namespace

// Some thousand rows a time, but always all of one event time.
void Match::take_some() {
  const Microseconds taken_before = horizon_;
  const std::vector<Row> rows = next_rows();
  hand_over(rows);
  wake_expired(taken_before);
}

// Moves the horizon behind what it returns.
std::vector<Row> Match::next_rows() {
  std::vector<Row> rows(kTakeRows);
  for (;;) {
    TimeCursor cursor = StateTable::time_cursor(horizon_);
    const std::size_t count = table_.scan_before(cursor, watermark_, rows);
    if (count < rows.size()) {
      rows.resize(count);
      horizon_ = watermark_;
      return rows;
    }
    const auto last = table_.get<std::int64_t>(rows.back(), design_.open);
    const auto end =
        std::ranges::find_if(rows, [&](Row row) { return table_.get<std::int64_t>(row, design_.open) == last; });
    if (end != rows.begin()) {
      rows.erase(end, rows.end());
      horizon_ = last;
      return rows;
    }
    rows.resize(rows.size() * 2);
  }
}

// Positions in the order of event time, of `order`, of arrival.
std::vector<std::uint32_t> Match::in_order(std::span<const Row> rows) const {
  std::vector<std::uint32_t> sorted(rows.size());
  std::iota(sorted.begin(), sorted.end(), 0U);
  std::vector<std::tuple<Microseconds, std::string_view, std::int64_t>> keys(rows.size());
  OrderKeys order;
  const Column arrival = table_.gather(rows, design_.arrival);
  if (!design_.order.empty()) {
    std::vector<Column> columns;
    for (const OrderColumn& by : design_.order) columns.push_back(table_.gather(rows, design_.columns[by.column]));
    order.make(design_.order, columns, arrival);
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::get<0>(keys[i]) = table_.get<std::int64_t>(rows[i], design_.time());
    if (!design_.order.empty()) std::get<1>(keys[i]) = order[i];
    std::get<2>(keys[i]) = arrival.value<std::int64_t>(i);
  }
  std::ranges::sort(
      sorted, {}, [&](std::uint32_t i) -> const auto& { return keys[i]; });
  return sorted;
}

Batch Match::keys_of(std::span<const Row> rows) const {
  Batch keys{nullptr, rows.size(), {}, {}};
  for (const std::size_t column : key_columns_) keys.columns.push_back(table_.gather(rows, column));
  return keys;
}

void Match::hand_over(std::span<const Row> rows) {
  if (rows.empty()) return;
  const Batch keys = keys_of(rows);
  BatchGroups groups;
  groups.make(keys, key_columns_);
  std::vector<OpenRows*> sequences;
  for (const std::uint32_t row : groups.first()) sequences.push_back(&sequence_of(keys, row));
  for (const std::uint32_t row : in_order(rows)) sequences[groups.of(row)]->add(rows[row]);
  for (OpenRows* sequence : sequences) activate(*sequence);
}

OpenRows& Match::sequence_of(const Batch& keys, std::uint32_t row) {
  std::string key;
  append_key(keys, key_columns_, row, key);
  auto& sequence = sequences_[key];
  if (sequence) return *sequence;
  sequence = std::make_unique<OpenRows>(design_, table_, scratch_);
  sequence->key = std::move(key);
  if (design_.back > 0) load_past(keys, row, *sequence);
  return *sequence;
}

// What the sequence looked back at when it was last at work.
void Match::load_past(const Batch& keys, std::uint32_t position, OpenRows& sequence) {
  const Batch one = keys.take({&position, 1});
  std::uint64_t hash = 0;
  Row row;
  hash_keys(one, key_columns_, {&hash, 1});
  table_.find_prefix(one, key_columns_, {&hash, 1}, {&row, 1});
  std::vector<Row> past;
  for (; row; row = table_.next_of_prefix(row)) {
    if (table_.is_null(row, design_.open)) past.push_back(row);
  }
  std::vector<Row> sorted;
  for (const std::uint32_t i : in_order(past)) sorted.push_back(past[i]);
  sequence.add_past(std::move(sorted));
}

void Match::activate(OpenRows& sequence) {
  if (std::exchange(sequence.active, true)) return;
  active_.push_back(&sequence);
}

// Partitions that no row comes to now, but whose first one is too old for rows to come.
void Match::wake_expired(Microseconds taken_before) {
  if (horizon_ == kEndOfTime) {
    for (auto& [key, sequence] : sequences_) activate(*sequence);
    return;
  }
  Microseconds until = 0;
  if (!design_.within || __builtin_sub_overflow(horizon_, *design_.within - 1, &until)) return;
  until = std::min(until, taken_before);
  std::vector<Row> rows(kTakeRows);
  TimeCursor cursor;
  for (std::size_t count = rows.size(); count == rows.size();) {
    count = table_.scan_before(cursor, until, rows);
    const Batch keys = keys_of(std::span(rows).first(count));
    BatchGroups groups;
    groups.make(keys, key_columns_);
    for (const std::uint32_t row : groups.first()) activate(sequence_of(keys, row));
  }
}

}  // namespace stream
