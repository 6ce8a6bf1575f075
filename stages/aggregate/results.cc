#include "stages/aggregate/results.h"

#include <algorithm>
#include <cstring>

#include "stages/expression/decimal.h"
#include "stages/expression/operators.h"
#include "stages/expression/temporal.h"
#include "stages/kit/row_text.h"
#include "transport/base/copy_short.h"

namespace stream {
namespace {

double average_number(Decimal sum, std::int64_t count) { return static_cast<double>(sum) / static_cast<double>(count); }

// The average of one group, appended. Null, or why there is none.
const char* append_average(const StateTable& table, Row row, const CallState& state, const AggregateCall& call,
                           std::int64_t count, ColumnBuilder& out) {
  if (call.argument_type == kBigint) {
    out.append(average_number(table.get<Decimal>(row, state.value), count));
  } else if (call.argument_type == kDouble) {
    out.append(table.get<double>(row, state.value) / static_cast<double>(count));
  } else if (call.argument_type == kInterval) {
    Interval average;
    if (!expression::scale_interval(table.get<Interval>(row, state.value), static_cast<double>(count), true, average)) {
      return expression::kIntervalRange;
    }
    out.append(average);
  } else {
    Decimal average = 0;
    if (!expression::divide(table.get<Decimal>(row, state.value), call.argument_type.scale, count, 0,
                            call.result_type.scale, false, average)) {
      return expression::kDecimalRange;
    }
    out.append(average);
  }
  return nullptr;
}

template <class T>
void mark_differing(const Column& a, const Column& b, std::vector<std::uint8_t>& out) {
  const T* x = a.values<T>();
  const T* y = b.values<T>();
  for (std::size_t i = 0; i < out.size(); ++i) out[i] |= std::memcmp(x + i, y + i, sizeof(T)) != 0 ? 1 : 0;
}

bool same_value(const Column& a, const Column& b, std::size_t i) {
  if (a.valid(i) != b.valid(i)) return false;
  if (!a.valid(i)) return true;
  const std::size_t width = a.type().width();
  if (width == 0) return a.bytes(i) == b.bytes(i);
  return std::memcmp(a.values_buffer().data() + i * width, b.values_buffer().data() + i * width, width) == 0;
}

}  // namespace

Results::Results(const AggregateDesign& design, const StateTable& table, std::vector<StateTable*> values,
                 SchemaPtr output)
    : design_(design),
      table_(table),
      values_(std::move(values)),
      output_(std::move(output)),
      needed_(design.aggregation.schema.fields.size()) {
  for (const Field& field : output_->fields) {
    sources_.push_back(source_of(field.name));
    if (sources_.back().kind != Source::Kind::kComputed) continue;
    const Expression& expression = design.aggregation.outputs[sources_.back().index].expression;
    for (const std::size_t column : expression.columns()) needed_[column] = true;
  }
}

Results::Source Results::source_of(const std::string& name) const {
  for (std::size_t i = 0; i < design_.by.size(); ++i) {
    if (design_.table.key[i].name == name) return {Source::Kind::kKey, i};
  }
  if (design_.bounds != WindowBounds::kAbsent && name == "window_start") return {Source::Kind::kWindowStart, 0};
  if (design_.bounds != WindowBounds::kAbsent && name == "window_end") return {Source::Kind::kWindowEnd, 0};
  const auto at = std::ranges::find(design_.aggregation.outputs, name, &AggregateOutput::name);
  STREAM_CHECK(at != design_.aggregation.outputs.end());
  return {Source::Kind::kComputed, static_cast<std::size_t>(at - design_.aggregation.outputs.begin())};
}

Column Results::window_ends(std::span<const Row> groups) const {
  ColumnBuilder out(kTimestamp, groups.size());
  WindowSpan span;
  for (const Row row : groups) {
    const auto start = table_.get<std::int64_t>(row, design_.window_start());
    if (!span.contains(start)) span = design_.slices->slice_of(start);
    out.append(span.end);
  }
  return out.finish();
}

Column Results::session_ends(std::span<const Row> groups) const {
  ColumnBuilder out(kTimestamp, groups.size());
  for (const Row row : groups) out.append(table_.get<std::int64_t>(row, design_.session.last) + design_.window->size);
  return out.finish();
}

Column Results::bounds(std::span<const Row> groups, WindowSpan window, bool end) const {
  if (design_.bounds == WindowBounds::kKey)
    return end ? window_ends(groups) : table_.gather(groups, design_.window_start());
  if (design_.bounds == WindowBounds::kSession)
    return end ? session_ends(groups) : table_.gather(groups, design_.session.start);
  ColumnBuilder one(kTimestamp, 1);
  one.append(end ? window.end : window.start);
  return repeat_column(one.finish(), groups.size());
}

// A sum that left its range when it was added to another: which row did it cannot be told.
void Results::find_overflows(std::span<const Row> groups, std::vector<RowError>* errors) const {
  if (design_.overflow == kNone) return;
  const bool lists =
      std::ranges::any_of(design_.aggregation.calls, [](const auto& call) { return kept_by(call) == Keeps::kList; });
  for (std::uint32_t i = 0; i < groups.size(); ++i) {
    if (table_.get<std::uint8_t>(groups[i], design_.overflow) != 0)
      errors->push_back({i, lists ? "a sum is out of range, or a list longer than 1 MiB" : "sum out of range"});
  }
}

Column Results::call_result(std::span<const Row> groups, std::size_t index, std::vector<RowError>* errors) const {
  switch (kept_by(design_.aggregation.calls[index])) {
    case Keeps::kSquares: return variances(groups, index);
    case Keeps::kTruths: return truths(groups, index);
    case Keeps::kSketch: return estimates(groups, index);
    case Keeps::kList: return lists(groups, index);
    case Keeps::kSpread: return spreads(groups, index);
    case Keeps::kCount:
    case Keeps::kSum:
    case Keeps::kExtreme:
    case Keeps::kRow: break;
  }
  const CallState& state = design_.calls[index];
  return state.count == kNone ? table_.gather(groups, state.value) : quotients(groups, index, errors);
}

Column Results::quotients(std::span<const Row> groups, std::size_t index, std::vector<RowError>* errors) const {
  const CallState& state = design_.calls[index];
  const AggregateCall& call = design_.aggregation.calls[index];
  ColumnBuilder out(call.result_type, groups.size());
  for (std::uint32_t i = 0; i < groups.size(); ++i) {
    const auto count = table_.get<std::int64_t>(groups[i], state.count);
    if (count == 0) {
      out.append_null();
    } else if (call.function == AggregateFunction::kSum) {
      table_.append_to(groups[i], state.value, out);
    } else if (const char* reason = append_average(table_, groups[i], state, call, count, out)) {
      out.append_null();
      errors->push_back({i, reason});
    }
  }
  return out.finish();
}

Computed Results::compute(std::span<const Row> groups, WindowSpan window) const {
  Computed out;
  find_overflows(groups, &out.errors);
  Batch inner{nullptr, groups.size(), {}, {}};
  inner.columns.resize(needed_.size());
  for (std::size_t i = 0; i < needed_.size(); ++i) {
    if (!needed_[i]) continue;
    inner.columns[i] =
        i < design_.by.size() ? table_.gather(groups, i) : call_result(groups, i - design_.by.size(), &out.errors);
  }
  for (const Source& source : sources_) {
    switch (source.kind) {
      case Source::Kind::kKey: out.columns.push_back(table_.gather(groups, source.index)); break;
      case Source::Kind::kWindowStart: out.columns.push_back(bounds(groups, window, false)); break;
      case Source::Kind::kWindowEnd: out.columns.push_back(bounds(groups, window, true)); break;
      case Source::Kind::kComputed:
        out.columns.push_back(design_.aggregation.outputs[source.index].expression.evaluate(inner, &out.errors));
        break;
    }
  }
  if (out.errors.empty()) return out;
  merge_row_errors(out.errors);
  out.failed.resize(groups.size());
  for (const RowError& error : out.errors) out.failed[error.row] = 1;
  return out;
}

std::vector<std::uint8_t> differing_rows(const Computed& a, const Computed& b, std::size_t rows) {
  std::vector<std::uint8_t> out(rows);
  for (std::size_t c = 0; c < a.columns.size(); ++c) {
    const Column& x = a.columns[c];
    const Column& y = b.columns[c];
    if (x.type().width() == 8 && !x.has_nulls() && !y.has_nulls()) {
      mark_differing<std::int64_t>(x, y, out);
      continue;
    }
    for (std::size_t i = 0; i < rows; ++i) {
      if (out[i] == 0) out[i] = same_value(x, y, i) ? 0 : 1;
    }
  }
  return out;
}

namespace {

Column pick_texts(const Column& before, const Column& after, std::span<const std::uint32_t> picks) {
  const Column* const sides[2] = {&before, &after};
  ByteBuilder offsets;
  auto* at = reinterpret_cast<std::int32_t*>(offsets.extend((picks.size() + 1) * sizeof(std::int32_t)));
  std::int32_t size = 0;
  *at = 0;
  for (const std::uint32_t p : picks) {
    const std::int32_t* from = sides[p & 1]->offsets() + (p >> 1);
    *++at = size += from[1] - from[0];
  }
  ByteBuilder values;
  auto* to = reinterpret_cast<char*>(values.extend(static_cast<std::size_t>(size)));
  for (const std::uint32_t p : picks) {
    const std::string_view bytes = sides[p & 1]->bytes(p >> 1);
    to = copy_short(to, bytes.data(), bytes.size());
  }
  return {before.type(), picks.size(), {}, values.finish(), offsets.finish()};
}

}  // namespace

Column pick(const Column& before, const Column& after, std::span<const std::uint32_t> picks) {
  const Type type = before.type();
  if (type.width() == 8 && !before.has_nulls() && !after.has_nulls()) {
    const std::int64_t* sides[2] = {before.values<std::int64_t>(), after.values<std::int64_t>()};
    ByteBuilder values;
    std::uint8_t* to = values.extend(picks.size() * 8);
    for (std::size_t i = 0; i < picks.size(); ++i) std::memcpy(to + i * 8, sides[picks[i] & 1] + (picks[i] >> 1), 8);
    return {type, picks.size(), {}, values.finish()};
  }
  if (type.variable() && !before.has_nulls() && !after.has_nulls()) return pick_texts(before, after, picks);
  ColumnBuilder out(type, picks.size());
  for (const std::uint32_t p : picks) out.append_from((p & 1) != 0 ? after : before, p >> 1);
  return out.finish();
}

}  // namespace stream
