// Minimum and maximum of every ordered type.
#include "stages/aggregate/accumulators.h"
#include "stages/aggregate/loops.h"

namespace stream {
namespace {

using aggregate::better;
using aggregate::each;
using aggregate::Slots;

struct Target {
  StateTable& table;
  std::span<const Row> rows;
  std::span<const std::uint32_t> fresh;
  std::size_t column;
  const std::uint8_t* mask;
  bool maybe_null;
};

template <class T, bool kMax>
void fixed(const Target& to, const Column& argument) {
  const Slots<T> slots(to.table, to.rows, to.column);
  const T* values = argument.values<T>();
  if (!to.maybe_null) {
    for (const std::uint32_t i : to.fresh) *slots[i] = values[i];
    each(to.rows.size(), to.mask, [&](std::size_t i) {
      if (better<kMax>(values[i], *slots[i])) *slots[i] = values[i];
    });
    return;
  }
  if (to.mask == nullptr) {
    for (const std::uint32_t i : to.fresh) *slots[i] = values[i];
  }
  const RowLayout& layout = to.table.layout();
  each(to.rows.size(), to.mask, [&](std::size_t i) {
    const bool null = layout.is_null(to.rows[i], to.column);
    if (!null && !better<kMax>(values[i], *slots[i])) return;
    if (null) layout.set_null(to.rows[i], to.column, false);
    *slots[i] = values[i];
  });
}

template <bool kMax>
void variable(const Target& to, const Column& argument) {
  if (to.mask == nullptr) {
    for (const std::uint32_t i : to.fresh) to.table.set_bytes(to.rows[i], to.column, argument.bytes(i));
  }
  each(to.rows.size(), to.mask, [&](std::size_t i) {
    const std::string_view value = argument.bytes(i);
    if (!to.table.is_null(to.rows[i], to.column)) {
      const std::string_view best = to.table.bytes(to.rows[i], to.column);
      if (kMax ? value <= best : value >= best) return;
    }
    to.table.set_bytes(to.rows[i], to.column, value);
  });
}

template <bool kMax>
void any_type(const Target& to, const Column& argument) {
  switch (argument.type().kind) {
    case TypeKind::kBigint:
    case TypeKind::kTimestamp: return fixed<std::int64_t, kMax>(to, argument);
    case TypeKind::kDouble: return fixed<double, kMax>(to, argument);
    case TypeKind::kDecimal: return fixed<Decimal, kMax>(to, argument);
    case TypeKind::kDate: return fixed<std::int32_t, kMax>(to, argument);
    case TypeKind::kInterval: return fixed<Interval, kMax>(to, argument);
    case TypeKind::kVarchar:
    case TypeKind::kBlob: return variable<kMax>(to, argument);
    case TypeKind::kBoolean:
    case TypeKind::kJson: break;  // have no minimum
  }
  STREAM_CHECK(false);
}

}  // namespace

void Accumulators::add_extreme(Call& call, const AddTo& to) {
  const Target target{table_, to.rows, fresh_, call.state.value, call.chosen(), call.maybe_null};
  if (call.call->function == AggregateFunction::kMax)
    any_type<true>(target, call.argument);
  else
    any_type<false>(target, call.argument);
}

}  // namespace stream
