// Variances, booleans, chosen rows and sketches.
#include <algorithm>

#include "stages/aggregate/accumulators.h"
#include "stages/aggregate/hyperloglog.h"
#include "stages/aggregate/loops.h"
#include "stages/aggregate/squares.h"
#include "transport/record/key.h"

namespace stream {

using aggregate::each;
using aggregate::Slots;

// --- variances ----------------------------------------------------------------------------------

void Accumulators::add_squares(Call& call, const AddTo& to) {
  const bool bigint = call.call->argument_type == kBigint;
  each(to.rows.size(), call.chosen(), [&](std::size_t i) {
    const Decimal value = bigint ? Decimal{call.argument.value<std::int64_t>(i)} : call.argument.value<Decimal>(i);
    const auto parts = square(value);
    for (std::size_t p = 0; p < call.state.square_parts; ++p) {
      const Decimal part{parts[p]};
      *table_.at<Decimal>(to.rows[i], call.state.squares + p) += sign(i) < 0 ? -part : part;
    }
  });
}

// B. P. Welford, "Note on a method for calculating corrected sums of squares and products", 1962.
void Accumulators::add_distances(Call& call, const AddTo& to) {
  const Slots<double> means(table_, to.rows, call.state.value);
  const Slots<double> squares(table_, to.rows, call.state.squares);
  const Slots<std::int64_t> counts(table_, to.rows, call.state.count);
  each(to.rows.size(), call.chosen(), [&](std::size_t i) {
    const double value = call.argument.value<double>(i);
    const double distance = value - *means[i];
    const std::int64_t count = *counts[i] += sign(i);
    if (count <= 0) {
      *means[i] = *squares[i] = 0;
    } else if (sign(i) > 0) {
      *means[i] += distance / static_cast<double>(count);
      *squares[i] += distance * (value - *means[i]);
    } else {
      *means[i] -= distance / static_cast<double>(count);
      *squares[i] = std::max(0.0, *squares[i] - distance * (value - *means[i]));
    }
  });
}

void Accumulators::merge_squares(const Call& call, const CallState& state, const MergeFrom& from,
                                 std::span<const Row> groups) {
  merge_sum(call, state, from, groups);
  for (std::size_t p = 0; p < state.square_parts; ++p) {
    const Slots<Decimal> to(table_, groups, call.state.squares + p);
    const Slots<Decimal> add(from.table, from.rows, state.squares + p);
    for (std::size_t i = 0; i < groups.size(); ++i) *to[i] += *add[i];
  }
}

// T. F. Chan, G. H. Golub, R. J. LeVeque, "Updating formulae and a pairwise algorithm", 1979.
void Accumulators::merge_distances(const Call& call, const CallState& state, const MergeFrom& from,
                                   std::span<const Row> groups) {
  for (std::size_t i = 0; i < groups.size(); ++i) {
    // Groups may repeat: the counts are needed as they become.
    auto* count = table_.at<std::int64_t>(groups[i], call.state.count);
    const auto more = from.table.get<std::int64_t>(from.rows[i], state.count);
    if (more == 0) continue;
    const auto share = static_cast<double>(more) / static_cast<double>(*count + more);
    const auto distance =
        from.table.get<double>(from.rows[i], state.value) - *table_.at<double>(groups[i], call.state.value);
    *table_.at<double>(groups[i], call.state.value) += distance * share;
    *table_.at<double>(groups[i], call.state.squares) +=
        from.table.get<double>(from.rows[i], state.squares) + distance * distance * static_cast<double>(*count) * share;
    *count += more;
  }
}

// --- booleans -----------------------------------------------------------------------------------

void Accumulators::add_truths(Call& call, const AddTo& to) {
  const std::uint8_t deciding = call.call->function == AggregateFunction::kBoolOr ? 1 : 0;
  const Slots<std::int64_t> slots(table_, to.rows, call.state.value);
  each(to.rows.size(), call.chosen(), [&](std::size_t i) {
    if (call.argument.value<std::uint8_t>(i) == deciding) *slots[i] += sign(i);
  });
}

// --- chosen rows --------------------------------------------------------------------------------

namespace {

// Of rows of one time the first that comes is first, and the last last.
bool chosen(AggregateFunction function, std::int64_t time, std::int64_t kept) {
  return function == AggregateFunction::kLast ? time >= kept : time < kept;
}

}  // namespace

void Accumulators::add_rows(Call& call, const AddTo& to) {
  const CallState& state = call.state;
  const AggregateFunction function = call.call->function;
  each(to.rows.size(), call.chosen(), [&](std::size_t i) {
    const Row row = to.rows[i];
    const std::int64_t time = state.time == kNone || !times_.valid(i) ? INT64_MIN : times_.value<std::int64_t>(i);
    const bool empty = table_.is_null(row, state.value);
    if (!empty && state.time == kNone && function != AggregateFunction::kLast) return;
    if (!empty && state.time != kNone && !chosen(function, time, table_.get<std::int64_t>(row, state.time))) return;
    table_.set_from(row, state.value, call.argument, i);
    if (state.time != kNone) table_.set(row, state.time, time);
  });
}

// Whether a row that was chosen comes before the one that is kept. Without time those merged later came later.
bool Accumulators::replaces(const Call& call, const CallState& state, const MergeFrom& from, std::size_t i,
                            Row group) const {
  if (state.time == kNone) return call.call->function == AggregateFunction::kLast;
  const auto time = from.table.get<std::int64_t>(from.rows[i], state.time);
  return chosen(call.call->function, time, table_.get<std::int64_t>(group, call.state.time));
}

void Accumulators::merge_rows(const Call& call, const CallState& state, const MergeFrom& from,
                              std::span<const Row> groups) {
  for (std::size_t i = 0; i < groups.size(); ++i) {
    if (from.table.is_null(from.rows[i], state.value)) continue;
    if (!table_.is_null(groups[i], call.state.value) && !replaces(call, state, from, i, groups[i])) continue;
    table_.set_cell(groups[i], call.state.value, from.table.cell(from.rows[i], state.value));
    if (state.time != kNone)
      table_.set(groups[i], call.state.time, from.table.get<std::int64_t>(from.rows[i], state.time));
  }
}

// --- sketches -----------------------------------------------------------------------------------

namespace {

std::string_view sketch_of(const StateTable& table, Row row, std::size_t column) {
  return table.is_null(row, column) ? std::string_view() : table.bytes(row, column);
}

}  // namespace

void Accumulators::add_sketch(Call& call, const AddTo& to) {
  const std::size_t columns[] = {0};
  std::vector<std::uint64_t> hashes(to.rows.size());
  hash_keys({nullptr, to.rows.size(), {call.argument}, {}}, columns, hashes);
  std::string sketch;
  each(to.rows.size(), call.chosen(), [&](std::size_t i) {
    const Row row = to.rows[i];
    if (HyperLogLog::add(sketch_of(table_, row, call.state.value), hashes[i], sketch))
      table_.set_bytes(row, call.state.value, sketch);
  });
}

void Accumulators::merge_sketch(const Call& call, const CallState& state, const MergeFrom& from,
                                std::span<const Row> groups) {
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const std::string_view more = sketch_of(from.table, from.rows[i], state.value);
    if (more.empty()) continue;
    const std::string_view kept = sketch_of(table_, groups[i], call.state.value);
    table_.set_bytes(groups[i], call.state.value, HyperLogLog::merge(kept, more));
  }
}

}  // namespace stream
