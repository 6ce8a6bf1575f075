#include "stages/match/match.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "snapshot/state_store.h"
#include "stages/kit/late_rows.h"
#include "stages/kit/row_text.h"
#include "transport/record/key.h"

namespace stream {
namespace {

std::vector<std::size_t> count_up(std::size_t count) {
  std::vector<std::size_t> out(count);
  std::iota(out.begin(), out.end(), std::size_t{0});
  return out;
}

Column numbers(std::int64_t first, std::size_t count) {
  ByteBuilder bytes;
  auto* out = reinterpret_cast<std::int64_t*>(bytes.extend(count * sizeof(std::int64_t)));
  std::iota(out, out + count, first);
  return {kBigint, count, {}, bytes.finish()};
}

std::vector<std::size_t> compared_values(const PatternExpressions& expressions) {
  std::set<std::size_t> which;
  for (const PatternCondition& condition : expressions.conditions) {
    if (!condition.of_values) continue;
    for (const std::size_t value : condition.of_values->columns()) which.insert(value);
  }
  return {which.begin(), which.end()};
}

// For each thing kept the bits of the variables for whose rows it is.
std::vector<std::int64_t> kept_for(const PatternExpressions& expressions) {
  std::vector<std::int64_t> out(expressions.kept.size(), 0);
  for (const PatternValue& value : expressions.values) {
    const bool any = value.variable == kAnyVariable || value.back > 0;
    for (const auto& part : {value.kept, value.filter}) {
      if (part) out[*part] |= any ? ~std::int64_t{0} : std::int64_t{1} << value.variable;
    }
  }
  return out;
}

}  // namespace

Result<std::unique_ptr<Operator>> Match::make(Context& context) {
  PlanError error;
  auto design = design_match(context.options, *context.inputs[0], context.stage, &error);
  if (!design) return usage_error("option '" + error.option + "': " + error.message);
  const SchemaPtr late = context.outputs.size() > kMatchLate ? context.outputs[kMatchLate] : nullptr;
  return std::unique_ptr<Operator>(
      std::make_unique<Match>(*std::move(design), context.state, context.outputs[0], late));
}

Match::Match(MatchDesign design, StateStore& store, SchemaPtr output, SchemaPtr late)
    : design_(std::move(design)),
      table_(store.table(design_.table)),
      results_(design_, table_, std::move(output)),
      late_(std::move(late)),
      compared_(design_.expressions, design_.pattern.variables, compared_values(design_.expressions)),
      kept_for_(kept_for(design_.expressions)),
      key_columns_(count_up(design_.table.group_columns)) {
  for (const std::uint32_t position : design_.pattern.first.positions) {
    may_begin_ |= std::int64_t{1} << design_.pattern.variable_of[position];
  }
}

Status Match::on_restored() {
  table_.for_each(
      [&](Row row) { next_arrival_ = std::max(next_arrival_, table_.get<std::int64_t>(row, design_.arrival) + 1); });
  return {};
}

Status Match::on_batch(std::size_t /*input*/, Batch batch, Emitter& out) {
  STREAM_TRY(drop_late(batch, *design_.input.time, watermark_, late_, kMatchLate, out));
  if (batch.rows == 0) return {};
  const Status computed = compute(batch, out);
  if (batch.rows > 0) keep(batch);
  return computed;
}

// Whatever can be said of a row alone. One for which it cannot is a bad record, and in no match.
Status Match::compute(Batch& batch, Emitter& out) {
  std::vector<RowError> errors;
  evaluate_conditions(batch, errors);
  evaluate_kept(batch, errors);
  if (errors.empty()) return {};
  merge_row_errors(errors);
  const Status reported = report_row_errors(batch, errors, out);
  const std::vector<std::uint32_t> good = rows_without(errors, batch.rows);
  batch = batch.take(good);
  for (Column& column : computed_) {
    if (column.size() > 0) column = column.take(good);
  }
  for (std::size_t i = 0; i < good.size(); ++i) holds_[i] = holds_[good[i]];
  return reported;
}

void Match::evaluate_conditions(const Batch& batch, std::vector<RowError>& errors) {
  holds_.assign(batch.rows, 0);
  std::vector<std::uint32_t> rows;
  for (std::size_t variable = 0; variable < design_.expressions.conditions.size(); ++variable) {
    const std::int64_t bit = std::int64_t{1} << variable;
    const auto& of_row = design_.expressions.conditions[variable].of_row;
    if (of_row) {
      of_row->select(batch, &rows, &errors);
      for (const std::uint32_t row : rows) holds_[row] |= bit;
    } else {
      for (std::int64_t& holds : holds_) holds |= bit;
    }
  }
}

// What is kept for the rows of a variable is of no matter in those that cannot match it.
void Match::evaluate_kept(const Batch& batch, std::vector<RowError>& errors) {
  computed_.assign(design_.expressions.kept.size(), {});
  for (std::size_t i = 0; i < computed_.size(); ++i) {
    const Expression& expression = design_.expressions.kept[i].expression;
    if (expression.as_column()) continue;
    std::vector<RowError> failed;
    computed_[i] = expression.evaluate(batch, &failed);
    for (const RowError& error : failed) {
      if ((holds_[error.row] & kept_for_[i]) != 0) errors.push_back(error);
    }
  }
}

void Match::keep(const Batch& batch) {
  Batch keys{nullptr, batch.rows, {}, {}};
  for (const std::size_t column : design_.by) keys.columns.push_back(batch.columns[column]);
  if (design_.by.empty()) keys.columns.push_back(zero_column(kBoolean, batch.rows));
  keys.columns.push_back(numbers(next_arrival_, batch.rows));
  next_arrival_ += static_cast<std::int64_t>(batch.rows);
  const std::vector<std::size_t> columns = count_up(keys.columns.size());
  std::vector<std::uint64_t> hashes(batch.rows);
  std::vector<Row> rows(batch.rows);
  std::vector<std::uint8_t> inserted(batch.rows);
  hash_keys(keys, columns, hashes);
  table_.upsert(keys, columns, hashes, rows, inserted);
  const auto set = [&](std::size_t to, const Column& from) {
    if (to < columns.size()) return;
    for (std::uint32_t i = 0; i < batch.rows; ++i) table_.set_from(rows[i], to, from, i);
  };
  for (std::size_t column = 0; column < design_.columns.size(); ++column) {
    if (design_.columns[column] != kNone) set(design_.columns[column], batch.columns[column]);
  }
  for (std::size_t i = 0; i < computed_.size(); ++i) {
    if (computed_[i].size() > 0) set(design_.kept[i], computed_[i]);
  }
  if (design_.open != design_.time()) set(design_.open, batch.columns[*design_.input.time]);
  for (std::uint32_t i = 0; i < batch.rows; ++i) table_.set<std::int64_t>(rows[i], design_.holds, holds_[i]);
}

// No match to come ends before the first row that is still open, nor lasts longer than it may.
Microseconds Match::output_watermark(Microseconds watermark) const {
  if (!design_.within || watermark == kNoWatermark || watermark == kEndOfTime) return watermark;
  Microseconds least = 0;
  if (__builtin_sub_overflow(watermark, *design_.within, &least)) least = kNoWatermark + 1;
  if (horizon_ == kNoWatermark) return least;  // restored: not yet looked at
  const auto first = table_.first_time();
  return first ? std::max(least, std::min(watermark, *first)) : watermark;
}

Status Match::on_watermark(Microseconds watermark, Emitter& out) {
  if (watermark <= watermark_) return {};
  watermark_ = watermark;
  return more(out);
}

Status Match::more(Emitter& out) {
  do {
    while (!active_.empty()) {
      STREAM_TRY(round(out));
      if (!results_.full()) continue;
      STREAM_TRY(results_.emit(out));
      if (out.full() && has_more()) return {};
    }
    if (horizon_ < watermark_) take_some();
  } while (has_more());
  return results_.emit(out);
}

}  // namespace stream
