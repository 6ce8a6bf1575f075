// Results that are more than a column of the state table.
#include <algorithm>
#include <cmath>

#include "stages/aggregate/accumulators.h"
#include "stages/aggregate/elements.h"
#include "stages/aggregate/hyperloglog.h"
#include "stages/aggregate/loops.h"
#include "stages/aggregate/quantiles.h"
#include "stages/aggregate/results.h"
#include "stages/aggregate/squares.h"

namespace stream {

// --- from columns -------------------------------------------------------------------------------

Column Results::variances(std::span<const Row> groups, std::size_t index) const {
  const CallState& state = design_.calls[index];
  const AggregateCall& call = design_.aggregation.calls[index];
  const bool sample = call.function == AggregateFunction::kVarSamp || call.function == AggregateFunction::kStddevSamp;
  ColumnBuilder out(kDouble, groups.size());
  for (const Row group : groups) {
    const auto count = table_.get<std::int64_t>(group, state.count);
    if (count < (sample ? 2 : 1))
      out.append_null();
    else
      out.append(variance(group, state, call, sample ? count - 1 : count));
  }
  return out.finish();
}

double Results::variance(Row group, const CallState& state, const AggregateCall& call, std::int64_t divisor) const {
  double squares = 0;
  if (state.square_parts == 0) {
    squares = table_.get<double>(group, state.squares);
  } else {
    std::array<Decimal, kSquareParts> parts{};
    for (std::size_t p = 0; p < state.square_parts; ++p) parts[p] = table_.get<Decimal>(group, state.squares + p);
    squares =
        squared_distances(table_.get<Decimal>(group, state.value), parts, table_.get<std::int64_t>(group, state.count));
  }
  const double scaled = squares / static_cast<double>(divisor);
  const bool root = call.function == AggregateFunction::kStddevSamp || call.function == AggregateFunction::kStddevPop;
  const int scale = call.argument_type.scale;
  return root ? std::sqrt(scaled) / std::pow(10.0, scale) : scaled / std::pow(10.0, 2 * scale);
}

Column Results::truths(std::span<const Row> groups, std::size_t index) const {
  const CallState& state = design_.calls[index];
  const bool any = design_.aggregation.calls[index].function == AggregateFunction::kBoolOr;
  ColumnBuilder out(kBoolean, groups.size());
  for (const Row group : groups) {
    const bool decided = table_.get<std::int64_t>(group, state.value) > 0;
    if (table_.get<std::int64_t>(group, state.count) == 0)
      out.append_null();
    else
      out.append(static_cast<std::uint8_t>(decided == any ? 1 : 0));
  }
  return out.finish();
}

Column Results::estimates(std::span<const Row> groups, std::size_t index) const {
  const std::size_t column = design_.calls[index].value;
  ColumnBuilder out(kBigint, groups.size());
  for (const Row group : groups) {
    const double count = table_.is_null(group, column) ? 0 : HyperLogLog::estimate(table_.bytes(group, column));
    out.append(static_cast<std::int64_t>(std::llround(count)));
  }
  return out.finish();
}

// --- from tables of values ----------------------------------------------------------------------

std::vector<Row> Results::values_of(Row group, std::size_t index) const {
  std::vector<Row> rows = values_of_group(design_, table_, group, *values_[design_.calls[index].distinct]);
  std::erase_if(rows, [&](Row row) { return times(row, index) <= 0; });
  return rows;
}

// How often the value counts.
std::int64_t Results::times(Row value, std::size_t index) const {
  const CallState& state = design_.calls[index];
  const auto kept = state.times == kNone ? 1 : values_[state.distinct]->get<std::int64_t>(value, state.times);
  return design_.aggregation.calls[index].distinct ? std::min<std::int64_t>(kept, 1) : kept;
}

Column Results::lists(std::span<const Row> groups, std::size_t index) const {
  const CallState& state = design_.calls[index];
  const AggregateCall& call = design_.aggregation.calls[index];
  const StateTable& values = *values_[state.distinct];
  const std::size_t column = values.spec().key.size() - 1;
  // Elements that have no time come before all others.
  const auto order = [&](Row row) {
    if (state.order == ValueOrder::kAny || values.is_null(row, column - 1)) return INT64_MIN;
    return values.get<std::int64_t>(row, column - 1);
  };
  ColumnBuilder out(call.result_type, groups.size());
  for (const Row group : groups) {
    std::vector<Row> rows = values_of(group, index);
    std::ranges::sort(rows, [&](Row a, Row b) {
      const std::int64_t at = order(a);
      const std::int64_t other = order(b);
      return at != other ? at < other : values.bytes(a, column) < values.bytes(b, column);
    });
    std::vector<std::string_view> elements;
    for (const Row row : rows) elements.insert(elements.end(), times(row, index), values.bytes(row, column));
    if (elements.empty())
      out.append_null();
    else
      out.append_bytes(list_of(call, elements));
  }
  return out.finish();
}

namespace {

template <class T>
Counted<T> sorted(Counted<T> values) {
  std::ranges::sort(values, [](const auto& a, const auto& b) { return aggregate::less(a.first, b.first); });
  return values;
}

}  // namespace

Column Results::spreads(std::span<const Row> groups, std::size_t index) const {
  const AggregateCall& call = design_.aggregation.calls[index];
  const StateTable& values = *values_[design_.calls[index].distinct];
  const std::size_t column = values.spec().key.size() - 1;
  ColumnBuilder out(kDouble, groups.size());
  for (const Row group : groups) {
    const std::vector<Row> rows = values_of(group, index);
    const auto counted = [&]<class T>(T /*type*/) {
      Counted<T> found;
      for (const Row row : rows) found.emplace_back(values.get<T>(row, column), times(row, index));
      return sorted(std::move(found));
    };
    if (rows.empty())
      out.append_null();
    else if (call.function == AggregateFunction::kMedian)
      out.append(median_of(counted(double{})));
    else
      out.append(bucket_value(quantile_of_buckets(counted(std::int64_t{}), call.quantile)));
  }
  return out.finish();
}

}  // namespace stream
