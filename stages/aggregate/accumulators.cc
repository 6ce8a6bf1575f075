#include "stages/aggregate/accumulators.h"

#include <algorithm>

#include "stages/aggregate/elements.h"
#include "stages/aggregate/loops.h"
#include "stages/expression/operators.h"
#include "stages/kit/row_text.h"
#include "transport/record/key.h"

namespace stream {

using aggregate::add_wrapping;
using aggregate::each;
using aggregate::Slots;

bool Accumulators::Call::double_sum() const { return keeps == Keeps::kSum && call->argument_type == kDouble; }

bool Accumulators::Call::exact_sum() const {
  return (keeps == Keeps::kSum || keeps == Keeps::kSquares) && call->argument_type != kDouble;
}

bool Accumulators::Call::begins_null() const { return keeps == Keeps::kRow || (extreme() && state.distinct != kNone); }

bool Accumulators::Call::nullable() const {
  const bool sum = keeps == Keeps::kSum && call->function == AggregateFunction::kSum && state.count == kNone;
  return extreme() || keeps == Keeps::kRow || sum;
}

Accumulators::Accumulators(const AggregateDesign& design, StateTable& table, std::vector<StateTable*> distinct)
    : design_(design), table_(table), distinct_(std::move(distinct)) {
  for (std::size_t i = 0; i < design.calls.size(); ++i) {
    Call& call = calls_.emplace_back();
    call.call = &design.aggregation.calls[i];
    call.state = design.calls[i];
    call.keeps = kept_by(*call.call);
  }
}

void Accumulators::restored() {
  for (Call& call : calls_) call.maybe_null = true;
}

// --- arguments ----------------------------------------------------------------------------------

void Accumulators::evaluate(const Batch& batch, std::vector<RowError>* errors) {
  partial_ = nullptr;
  for (Call& call : calls_) evaluate_call(call, batch, errors);
  merge_row_errors(*errors);
}

void Accumulators::evaluate_filter(Call& call, const Batch& batch, std::vector<RowError>* errors) {
  std::vector<std::uint32_t> rows;
  call.call->filter->select(batch, &rows, errors);
  call.masked = rows.size() < batch.rows;
  if (!call.masked) return;
  call.mask.assign(batch.rows, 0);
  for (const std::uint32_t row : rows) call.mask[row] = 1;
}

// What is kept of the argument, where it is not the argument itself.
void Accumulators::prepare_argument(Call& call, const Batch& batch, std::vector<RowError>* errors) {
  const std::uint8_t* rows = call.chosen();
  std::vector<RowError> failed;
  if (call.call->function == AggregateFunction::kApproxQuantile) {
    call.argument = quantile_buckets(call.argument);
  } else if (call.call->function == AggregateFunction::kJsonAgg) {
    call.argument = json_texts(call.argument);
  } else if (call.call->function == AggregateFunction::kJsonObjectAgg) {
    const Column values = call.call->value->evaluate(batch, &failed);
    call.argument = json_members(call.argument, values, rows, &failed);
  }
  for (const RowError& error : failed) {
    if (rows == nullptr || rows[error.row] != 0) errors->push_back(error);
  }
}

void Accumulators::evaluate_call(Call& call, const Batch& batch, std::vector<RowError>* errors) {
  call.masked = false;
  if (call.call->filter) evaluate_filter(call, batch, errors);
  if (!call.call->argument) return;
  std::vector<RowError> failed;
  call.argument = call.call->argument->evaluate(batch, &failed);
  // The argument of a row left out is not asked for.
  for (const RowError& error : failed) {
    if (!call.masked || call.mask[error.row] != 0) errors->push_back(error);
  }
  prepare_argument(call, batch, errors);
  if (!call.argument.has_nulls()) return;
  if (!call.masked) call.mask.assign(batch.rows, 1);
  call.masked = true;
  for (std::size_t i = 0; i < batch.rows; ++i) call.mask[i] = call.mask[i] & (call.argument.valid(i) ? 1 : 0);
}

void Accumulators::choose_signs(const Batch& batch) {
  signs_ = nullptr;
  if (!design_.retracts || batch.kinds.empty()) return;
  sign_of_.resize(batch.rows);
  for (std::size_t i = 0; i < batch.rows; ++i) {
    const RowKind kind = batch.kind(i);
    sign_of_[i] = kind == RowKind::kUpdateBefore || kind == RowKind::kDelete ? -1 : 1;
  }
  signs_ = sign_of_.data();
}

// --- sums and counts ----------------------------------------------------------------------------

template <class T>
bool Accumulators::add_exact(Call& call, const AddTo& to, bool undo) {
  const Slots<T> slots(table_, to.rows, call.state.value);
  const std::int8_t* signs = signs_;
  bool overflow = false;
  const auto loop = [&](auto value) {
    if (signs == nullptr && !undo) {
      each(to.rows.size(), call.chosen(),
           [&](std::size_t i) { overflow |= add_wrapping(slots[i], T(value(i)), false); });
    } else {
      each(to.rows.size(), call.chosen(), [&](std::size_t i) {
        overflow |= add_wrapping(slots[i], T(value(i)), (signs != nullptr && signs[i] < 0) != undo);
      });
    }
  };
  if constexpr (std::is_same_v<T, Decimal>) {
    if (call.call->argument_type == kBigint) {
      loop([values = call.argument.values<std::int64_t>()](std::size_t i) { return Decimal{values[i]}; });
      return overflow;
    }
  }
  loop([values = call.argument.values<T>()](std::size_t i) { return values[i]; });
  return overflow;
}

bool Accumulators::add_exact(Call& call, const AddTo& to, bool undo) {
  const Type type = table_.spec().field(call.state.value).type;
  if (type == kBigint) {
    overflow_ = expression::kBigintRange;
    return add_exact<std::int64_t>(call, to, undo);
  }
  if (type == kInterval) {
    overflow_ = expression::kIntervalRange;
    return add_exact<Interval>(call, to, undo);
  }
  overflow_ = expression::kDecimalRange;
  return add_exact<Decimal>(call, to, undo);
}

void Accumulators::add_double(Call& call, const AddTo& to) {
  const Slots<double> slots(table_, to.rows, call.state.value);
  const double* values = call.argument.values<double>();
  const std::int8_t* signs = signs_;
  if (signs == nullptr) {
    each(to.rows.size(), call.chosen(), [&](std::size_t i) { *slots[i] += values[i]; });
  } else {
    each(to.rows.size(), call.chosen(), [&](std::size_t i) { *slots[i] += values[i] * signs[i]; });
  }
}

void Accumulators::add_count(std::size_t column, const std::uint8_t* mask, const AddTo& to) {
  const Slots<std::int64_t> slots(table_, to.rows, column);
  const std::int8_t* signs = signs_;
  if (signs == nullptr) {
    each(to.rows.size(), mask, [&](std::size_t i) { *slots[i] += 1; });
  } else {
    each(to.rows.size(), mask, [&](std::size_t i) { *slots[i] += signs[i]; });
  }
}

// A group is made with zeros; where its first row does not count, it has no value yet.
void Accumulators::prepare_nulls(Call& call, const AddTo& to) {
  if (!call.nullable() || fresh_.empty()) return;
  if (!call.masked && !call.begins_null()) return;
  call.maybe_null = true;
  for (const std::uint32_t i : fresh_) table_.set_null(to.rows[i], call.state.value);
}

void Accumulators::clear_nulls(Call& call, const AddTo& to) {
  if (!call.nullable() || !call.maybe_null) return;
  const RowLayout& layout = table_.layout();
  const std::size_t column = call.state.value;
  each(to.rows.size(), call.chosen(), [&](std::size_t i) {
    if (layout.is_null(to.rows[i], column)) layout.set_null(to.rows[i], column, false);
  });
}

// All but what is checked.
void Accumulators::add_rest(Call& call, const AddTo& to) {
  prepare_nulls(call, to);
  switch (call.keeps) {
    case Keeps::kCount: add_count(call.state.value, call.chosen(), to); return;
    case Keeps::kSum:
      if (call.double_sum()) add_double(call, to);
      clear_nulls(call, to);
      break;
    case Keeps::kExtreme:
      if (call.state.distinct != kNone) return add_changing_extreme(call, to);
      return add_extreme(call, to);
    case Keeps::kSquares:
      if (call.state.square_parts == 0) return add_distances(call, to);
      add_squares(call, to);
      break;
    case Keeps::kTruths: add_truths(call, to); break;
    case Keeps::kRow: return add_rows(call, to);
    case Keeps::kSketch: return add_sketch(call, to);
    case Keeps::kList:
    case Keeps::kSpread: return;
  }
  if (call.state.count != kNone) add_count(call.state.count, call.chosen(), to);
}

bool Accumulators::add_checked(Call& call, const AddTo& to, bool undo) {
  return call.keeps == Keeps::kList ? add_length(call, to, undo) : add_exact(call, to, undo);
}

// --- a batch ------------------------------------------------------------------------------------

bool Accumulators::add(const Batch& batch, const AddTo& to) {
  if (partial_ != nullptr) return add_partial(to);
  choose_signs(batch);
  if (design_.order != kNone && design_.order < batch.columns.size()) times_ = batch.columns[design_.order];
  fresh_.clear();
  for (std::uint32_t i = 0; i < to.inserted.size(); ++i) {
    if (to.inserted[i] != 0) fresh_.push_back(i);
  }
  for (Call& call : calls_) {
    if (call.state.distinct != kNone) add_values(call, to, batch);
  }
  for (std::size_t i = 0; i < calls_.size(); ++i) {
    if (!calls_[i].checked() || !add_checked(calls_[i], to, false)) continue;
    const char* reason = overflow_;
    for (std::size_t k = 0; k <= i; ++k) {
      if (calls_[k].checked()) add_checked(calls_[k], to, true);
    }
    overflow_ = reason;
    for (Call& call : calls_) {
      if (call.state.distinct != kNone) forget_values(call, to);
    }
    return false;
  }
  for (Call& call : calls_) {
    add_rest(call, to);
    if (call.state.distinct != kNone) settle_values(call);
  }
  if (design_.row_count != kNone) add_count(design_.row_count, nullptr, to);
  return true;
}

}  // namespace stream
