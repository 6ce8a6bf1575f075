// Accumulators added to accumulators: slices to windows, sessions to sessions.
#include "stages/aggregate/accumulators.h"
#include "stages/aggregate/loops.h"
#include "transport/record/key.h"

namespace stream {

using aggregate::add_wrapping;
using aggregate::better;
using aggregate::Slots;

void Accumulators::start(std::span<const Row> groups, std::span<const std::uint8_t> inserted) {
  for (Call& call : calls_) {
    if (!call.nullable()) continue;
    call.maybe_null = true;
    for (std::size_t i = 0; i < inserted.size(); ++i) {
      if (inserted[i] != 0) table_.set_null(groups[i], call.state.value);
    }
  }
}

void Accumulators::merge(const MergeFrom& from, std::span<const Row> groups) {
  for (std::size_t i = 0; i < calls_.size(); ++i) {
    if (!calls_[i].call->distinct) merge_call(calls_[i], from.design.calls[i], from, groups);
  }
  if (design_.row_count != kNone) merge_counts(design_.row_count, from.design.row_count, from, groups);
}

void Accumulators::merge_call(const Call& call, const CallState& state, const MergeFrom& from,
                              std::span<const Row> groups) {
  switch (call.keeps) {
    case Keeps::kCount:
    case Keeps::kTruths: merge_counts(call.state.value, state.value, from, groups); break;
    case Keeps::kExtreme: merge_extreme(call, state, from, groups); break;
    case Keeps::kSum: merge_sum(call, state, from, groups); break;
    case Keeps::kSquares:
      if (state.square_parts == 0) return merge_distances(call, state, from, groups);
      merge_squares(call, state, from, groups);
      break;
    case Keeps::kRow: return merge_rows(call, state, from, groups);
    case Keeps::kSketch: return merge_sketch(call, state, from, groups);
    case Keeps::kList: return merge_lengths(call, state, from, groups);
    case Keeps::kSpread: return;
  }
  if (state.count != kNone) merge_counts(call.state.count, state.count, from, groups);
}

void Accumulators::merge_lengths(const Call& call, const CallState& state, const MergeFrom& from,
                                 std::span<const Row> groups) {
  merge_counts(call.state.value, state.value, from, groups);
  for (const Row group : groups) {
    if (table_.get<std::int64_t>(group, call.state.value) > kListBytes) mark_overflow(group);
  }
}

void Accumulators::merge_counts(std::size_t column, std::size_t from_column, const MergeFrom& from,
                                std::span<const Row> groups) {
  const Slots<std::int64_t> to(table_, groups, column);
  const Slots<std::int64_t> add(from.table, from.rows, from_column);
  for (std::size_t i = 0; i < groups.size(); ++i) *to[i] += *add[i];
}

// combine(to, value, i) where both have a value; the value itself where only `from` has one.
template <class T, class Combine>
void Accumulators::combine(const Call& call, std::size_t column, const MergeFrom& from, std::span<const Row> groups,
                           const Combine& combine) {
  const Slots<T> to(table_, groups, call.state.value);
  const Slots<T> value(from.table, from.rows, column);
  if (!call.nullable()) {
    for (std::size_t i = 0; i < groups.size(); ++i) combine(to[i], *value[i], i);
    return;
  }
  const RowLayout& layout = table_.layout();
  for (std::size_t i = 0; i < groups.size(); ++i) {
    if (from.table.is_null(from.rows[i], column)) continue;
    if (layout.is_null(groups[i], call.state.value)) {
      layout.set_null(groups[i], call.state.value, false);
      *to[i] = *value[i];
    } else {
      combine(to[i], *value[i], i);
    }
  }
}

// --- sums ---------------------------------------------------------------------------------------

void Accumulators::mark_overflow(Row group) {
  STREAM_CHECK(design_.overflow != kNone);
  *table_.at<std::uint8_t>(group, design_.overflow) = 1;
}

template <class T>
void Accumulators::merge_exact(const Call& call, const CallState& state, const MergeFrom& from,
                               std::span<const Row> groups) {
  combine<T>(call, state.value, from, groups, [&](T* to, T value, std::size_t i) {
    if (add_wrapping(to, value, false)) mark_overflow(groups[i]);
  });
}

void Accumulators::merge_sum(const Call& call, const CallState& state, const MergeFrom& from,
                             std::span<const Row> groups) {
  const Type type = table_.spec().field(call.state.value).type;
  if (type == kDouble) {
    combine<double>(call, state.value, from, groups, [](double* to, double value, std::size_t) { *to += value; });
  } else if (type == kBigint) {
    merge_exact<std::int64_t>(call, state, from, groups);
  } else if (type == kInterval) {
    merge_exact<Interval>(call, state, from, groups);
  } else {
    merge_exact<Decimal>(call, state, from, groups);
  }
}

// --- extremes -----------------------------------------------------------------------------------

namespace {

template <bool kMax>
void merge_bytes(StateTable& table, std::size_t column, const MergeFrom& from, std::size_t from_column,
                 std::span<const Row> groups) {
  for (std::size_t i = 0; i < groups.size(); ++i) {
    if (from.table.is_null(from.rows[i], from_column)) continue;
    const std::string_view value = from.table.bytes(from.rows[i], from_column);
    if (!table.is_null(groups[i], column)) {
      const std::string_view best = table.bytes(groups[i], column);
      if (kMax ? value <= best : value >= best) continue;
    }
    table.set_bytes(groups[i], column, value);
  }
}

}  // namespace

void Accumulators::merge_extreme(const Call& call, const CallState& state, const MergeFrom& from,
                                 std::span<const Row> groups) {
  const bool max = call.call->function == AggregateFunction::kMax;
  const auto fixed = [&]<class T>(T /*type*/) {
    if (max) {
      combine<T>(call, state.value, from, groups,
                 [](T* to, T value, std::size_t) { *to = better<true>(value, *to) ? value : *to; });
    } else {
      combine<T>(call, state.value, from, groups,
                 [](T* to, T value, std::size_t) { *to = better<false>(value, *to) ? value : *to; });
    }
  };
  switch (call.call->argument_type.kind) {
    case TypeKind::kBigint:
    case TypeKind::kTimestamp: return fixed(std::int64_t{});
    case TypeKind::kDouble: return fixed(double{});
    case TypeKind::kDecimal: return fixed(Decimal{});
    case TypeKind::kDate: return fixed(std::int32_t{});
    case TypeKind::kInterval: return fixed(Interval{});
    case TypeKind::kVarchar:
    case TypeKind::kBlob:
      return max ? merge_bytes<true>(table_, call.state.value, from, state.value, groups)
                 : merge_bytes<false>(table_, call.state.value, from, state.value, groups);
    case TypeKind::kBoolean:
    case TypeKind::kJson: break;  // have no minimum
  }
  STREAM_CHECK(false);
}

// --- values -------------------------------------------------------------------------------------

void Accumulators::merge_values(std::size_t index, const Batch& values, std::span<const Row> groups) {
  Call& call = calls_[index];
  StateTable& table = *distinct_[call.state.distinct];
  std::vector<std::size_t> columns(table.spec().key.size());
  for (std::size_t i = 0; i < columns.size(); ++i) columns[i] = i;
  hashes_.resize(values.rows);
  found_.resize(values.rows);
  call.mask.resize(values.rows);
  hash_keys(values, columns, hashes_);
  table.upsert(values, columns, hashes_, found_, call.mask);
  if (call.state.times != kNone) {
    const auto* times = values.columns.back().values<std::int64_t>();
    for (std::size_t i = 0; i < values.rows; ++i) {
      auto* kept = table.at<std::int64_t>(found_[i], call.state.times);
      const bool known = *kept > 0;
      *kept += times[i];
      call.mask[i] = !known && *kept > 0 ? 1 : 0;
    }
  }
  if (!call.call->distinct) return;
  call.masked = true;
  call.argument = values.columns[columns.size() - 1];
  signs_ = nullptr;
  fresh_.clear();
  const AddTo to{groups, {}, nullptr};
  if (call.exact_sum()) sum_values(call, to);
  if (call.keeps == Keeps::kList && add_length(call, to, false)) {
    for (const Row group : groups) {
      if (table_.get<std::int64_t>(group, call.state.value) > kListBytes) mark_overflow(group);
    }
  }
  add_rest(call, to);
}

void Accumulators::sum_values(Call& call, const AddTo& to) {
  if (!add_exact(call, to, false)) return;
  add_exact(call, to, true);
  // Some group leaves its range; only one by one can tell which.
  const std::vector<std::uint8_t> all = call.mask;
  for (std::size_t i = 0; i < all.size(); ++i) {
    call.mask.assign(all.size(), 0);
    call.mask[i] = all[i];
    if (all[i] != 0 && add_exact(call, to, false)) mark_overflow(to.rows[i]);
  }
  call.mask = all;
}

}  // namespace stream
