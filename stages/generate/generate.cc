#include "stages/generate/generate.h"

#include <algorithm>
#include <utility>

#include "stages/kit/row_text.h"

namespace stream {
namespace {

constexpr std::int64_t kBatchRows = 4096;

// What the column expressions may use.
constexpr std::string_view kBase = "n bigint, random bigint, uniform double";

// SplitMix64: row n's random number depends on the seed and n alone.
std::uint64_t mixed(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

std::vector<SelectText> texts(const std::vector<SelectItem>& items) {
  std::vector<SelectText> out;
  for (const SelectItem& item : items) out.push_back({item.name, item.text});
  return out;
}

TableSpec positions_spec() {
  TableSpec spec;
  spec.name = "lanes";
  spec.distribution = Distribution::kBroadcast;
  spec.key = {{"lane", kBigint}};
  spec.value = {{"next", kBigint}};
  spec.distribution = Distribution::kSplit;
  return spec;
}

}  // namespace

PlanAnswer plan_generate(const PlanRequest& request) {
  PlanAnswer answer;
  answer.cacheable = true;
  const Schema base = *parse_schema(kBase);
  SelectError error;
  const auto items = texts(request.options.select("columns"));
  const auto columns = compile_select(items, base, &error);
  if (!columns) {
    answer.errors.push_back(plan_error("columns", error.error));
    return answer;
  }
  OutputPlan output{"out", {}, {}};
  for (const SelectedColumn& column : *columns) {
    if (!column.expression.deterministic()) {
      answer.errors.push_back(
          {"columns", 0, "'" + column.name + "' is not reproducible; use n, random or uniform", ""});
      return answer;
    }
    output.schema.fields.push_back({column.name, column.expression.type()});
    output.lineage.emplace_back();
  }
  answer.outputs.push_back(std::move(output));
  answer.state.push_back(positions_spec());
  return answer;
}

Result<std::unique_ptr<Source>> Generate::make(Context& context) {
  SelectError error;
  auto columns = compile_select(texts(context.options.select("columns")), *parse_schema(kBase), &error);
  if (!columns) return usage_error("option 'columns': " + error.error.message);
  return std::unique_ptr<Source>(new Generate(context, *std::move(columns)));
}

Generate::Generate(Context& context, std::vector<SelectedColumn> columns)
    : base_(std::make_shared<const Schema>(*parse_schema(kBase))),
      output_(context.outputs[0]),
      positions_(context.state.table(positions_spec())),
      clock_(context.clock),
      instance_(context.instance),
      parallelism_(context.parallelism),
      seed_(static_cast<std::uint64_t>(context.options.integer("seed"))),
      rows_(context.options.has("rows") ? context.options.integer("rows") : INT64_MAX - kLanes),
      rate_(context.options.has("rate") ? std::max<std::int64_t>(1, context.options.integer("rate") / parallelism_)
                                        : 0) {
  // Only the columns that are used downstream are computed.
  for (const Field& field : output_ ? output_->fields : std::vector<Field>()) {
    for (SelectedColumn& column : columns) {
      if (column.name == field.name) columns_.push_back(column);
    }
  }
  for (std::int64_t lane = 0; lane < kLanes; ++lane) {
    const std::uint64_t hash = [&] {
      ColumnBuilder key(kBigint);
      key.append(lane);
      const Batch one{nullptr, 1, {key.finish()}, {}};
      std::string encoded;
      const std::size_t columns_of_key[] = {0};
      append_key(one, columns_of_key, 0, encoded);
      return hash_key(encoded);
    }();
    if (owner_of_split(hash, parallelism_) == instance_) lanes_.push_back({lane, lane});
  }
}

Status Generate::on_restored() {
  for (Lane& lane : lanes_) {
    if (const Row row = positions_.find({Cell(lane.id)})) lane.next = positions_.get<std::int64_t>(row, 1);
  }
  in_step_ = false;
  return {};
}

Status Generate::before_snapshot() {
  for (const Lane& lane : lanes_) {
    const Row row = positions_.upsert({Cell(lane.id)}).first;
    positions_.set(row, 1, lane.next);
  }
  return {};
}

// How many of `wanted` rows the rate allows now.
std::int64_t Generate::allowed(std::int64_t wanted) {
  if (rate_ == 0) return wanted;
  const Microseconds now = clock_.monotonic_us();
  if (began_ < 0) began_ = now;
  const std::int64_t due =
      static_cast<std::int64_t>(static_cast<double>(now - began_) * static_cast<double>(rate_) / 1e6) + 1;
  const std::int64_t left = due - emitted_;
  wait_ = std::max<Microseconds>(1, 1'000'000 / rate_);
  return std::clamp<std::int64_t>(left, 0, wanted);
}

// The next row's number; its lane moves on, behind all others while they are in step.
std::int64_t Generate::take_row() {
  Lane& lane = lanes_[head_];
  head_ = head_ + 1 == lanes_.size() ? 0 : head_ + 1;
  return std::exchange(lane.next, lane.next + kLanes);
}

// Lanes of instances that were not equally far are not in step after a change of parallelism: then
// the one behind comes alone until it has caught up with the next.
std::int64_t Generate::rows_in_order(std::int64_t wanted) {
  if (in_step_) return wanted;
  std::ranges::sort(lanes_, {}, &Lane::next);
  head_ = 0;
  in_step_ = lanes_.back().next - lanes_.front().next < kLanes;
  if (in_step_) return wanted;
  const std::int64_t gap = lanes_[1].next - lanes_[0].next;
  return std::min(wanted, std::max<std::int64_t>(1, gap / kLanes));
}

Batch Generate::base_rows(std::int64_t count) {
  ByteBuilder n;
  ByteBuilder random;
  ByteBuilder uniform;
  auto* n_out = reinterpret_cast<std::int64_t*>(n.extend(static_cast<std::size_t>(count) * 8));
  auto* random_out = reinterpret_cast<std::int64_t*>(random.extend(static_cast<std::size_t>(count) * 8));
  auto* uniform_out = reinterpret_cast<double*>(uniform.extend(static_cast<std::size_t>(count) * 8));
  for (std::int64_t i = 0; i < count; ++i) {
    if (!in_step_) head_ = 0;
    const std::int64_t row = take_row();
    const std::uint64_t bits = mixed(seed_ * 0x2545f4914f6cdd1dULL + static_cast<std::uint64_t>(row));
    n_out[i] = row;
    random_out[i] = static_cast<std::int64_t>(bits >> 1);
    uniform_out[i] = static_cast<double>(bits >> 11) * 0x1.0p-53;
  }
  const auto rows = static_cast<std::size_t>(count);
  return {
      base_,
      rows,
      {{kBigint, rows, {}, n.finish()}, {kBigint, rows, {}, random.finish()}, {kDouble, rows, {}, uniform.finish()}},
      {}};
}

// Rows that are left in the lanes of this instance, counted only as far as a batch goes.
std::int64_t Generate::left() const {
  std::int64_t count = 0;
  for (const Lane& lane : lanes_) {
    if (lane.next < rows_) count += (rows_ - lane.next + kLanes - 1) / kLanes;
    if (count >= kBatchRows) return kBatchRows;
  }
  return count;
}

Result<Source::Poll> Generate::poll(Emitter& out) {
  const std::int64_t wanted = left();
  if (wanted == 0) return Poll::kEnd;
  const std::int64_t count = allowed(rows_in_order(wanted));
  if (count == 0) return Poll::kIdle;
  emitted_ += count;
  const Batch base = base_rows(count);
  Batch rows{output_, base.rows, {}, {}};
  std::vector<RowError> errors;
  for (const SelectedColumn& column : columns_) rows.columns.push_back(column.expression.evaluate(base, &errors));
  STREAM_TRY(report_row_errors(base, errors, out));
  STREAM_TRY(out.emit(std::move(rows)));
  return Poll::kMore;
}

}  // namespace stream
