// Partial rows added to accumulators: all of a batch or, where a sum would leave its range, nothing.
#include "stages/aggregate/accumulators.h"
#include "stages/aggregate/loops.h"
#include "stages/expression/decimal.h"
#include "stages/expression/operators.h"

namespace stream {

using aggregate::add_wrapping;

namespace {

// Whether a value is at most this share of what fits: 1 / share.
bool small(std::int64_t value, std::int64_t share) {
  const std::int64_t limit = INT64_MAX / share;
  return value <= limit && value >= -limit;
}
bool small(Decimal value, std::int64_t share) {
  const Decimal limit = expression::power_of_ten(expression::kDecimalDigits) / share;
  return value <= limit && value >= -limit;
}
bool small(Interval value, std::int64_t share) {
  const std::int64_t limit = INT32_MAX / share;
  return value.months <= limit && value.months >= -limit && value.days <= limit && value.days >= -limit &&
         small(value.microseconds, share);
}

}  // namespace

template <class T>
bool Accumulators::partial_fits(const Call& call, std::span<const Row> groups) const {
  const auto rows = static_cast<std::int64_t>(groups.size());
  const CallState& state = partial_->design.calls[static_cast<std::size_t>(&call - calls_.data())];
  for (std::size_t i = 0; i < groups.size(); ++i) {
    if (partial_->table.is_null(partial_->rows[i], state.value)) continue;
    T sum = table_.is_null(groups[i], call.state.value) ? T{} : table_.get<T>(groups[i], call.state.value);
    const T value = partial_->table.get<T>(partial_->rows[i], state.value);
    // Of many only what is far from any limit is known to fit, whichever groups are the same.
    if (rows == 1 ? add_wrapping(&sum, value, false) : !small(sum, 2) || !small(value, 2 * rows)) return false;
  }
  return true;
}

bool Accumulators::partial_fits(const Call& call, std::span<const Row> groups) {
  if (!call.exact_sum()) return true;
  const Type type = table_.spec().field(call.state.value).type;
  if (type == kBigint) {
    overflow_ = expression::kBigintRange;
    return partial_fits<std::int64_t>(call, groups);
  }
  if (type == kInterval) {
    overflow_ = expression::kIntervalRange;
    return partial_fits<Interval>(call, groups);
  }
  overflow_ = expression::kDecimalRange;
  return partial_fits<Decimal>(call, groups);
}

bool Accumulators::add_partial(const AddTo& to) {
  start(to.rows, to.inserted);
  for (const Call& call : calls_) {
    if (!partial_fits(call, to.rows)) return false;
  }
  merge(*partial_, to.rows);
  return true;
}

}  // namespace stream
