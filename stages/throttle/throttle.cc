#include "stages/throttle/throttle.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "snapshot/state_store.h"
#include "stages/kit/kept_rows.h"

namespace stream {
namespace {

constexpr Microseconds kPiece =
    1'000;  // what goes in so long goes together, so that not every row is a wait of its own

struct Layout {
  TableSpec spec;
  std::optional<StoredRows> columns;
};

Layout lay_out(const std::string& stage, const Schema& input) {
  Layout layout;
  StateColumnNames names;
  layout.spec.name = state_table_name(stage);
  layout.spec.distribution = Distribution::kShared;
  layout.spec.key = {{names.add("instance"), kBigint}, {names.add("number"), kBigint}};
  layout.spec.definition = "rows that wait";
  layout.columns.emplace(input, layout.spec, names);
  return layout;
}

bool valid(double rate) { return rate >= 0.001 && rate <= 1e9; }

}  // namespace

PlanAnswer plan_throttle(const PlanRequest& request) {
  PlanAnswer answer;
  answer.cacheable = true;
  const Schema& input = request.inputs[0].schema;
  if (!valid(request.options.number("rate"))) {
    answer.errors.push_back(
        {"rate", 0, "it is from 0.001 to 1000000000 rows a second", "0.1 is one row in ten seconds"});
    return answer;
  }
  OutputPlan output{"out", input, {}};
  for (const Field& field : input.fields) output.lineage.push_back({{0, field.name}});
  answer.outputs.push_back(std::move(output));
  InputPlan plan;
  if (request.supervised) plan.needs = input.names();  // the state has whole rows
  if (input.changelog == Changelog::kUpdates) {
    plan.partition = Partition::kSingle;
    answer.parallelism_max = 1;
    answer.parallelism_why = "changes of one row must not overtake one another";
  }
  answer.inputs.push_back(std::move(plan));
  answer.state.push_back(lay_out(request.stage, input).spec);
  return answer;
}

Result<std::unique_ptr<Operator>> Throttle::make(Context& context) {
  const double rate = context.options.number("rate");
  if (!valid(rate)) return usage_error("option 'rate': it is from 0.001 to 1000000000 rows a second");
  return std::unique_ptr<Operator>(std::make_unique<Throttle>(rate / context.parallelism, context));
}

Throttle::Table Throttle::open_table(Context& context) {
  Layout layout = lay_out(context.stage, *context.inputs[0]);
  return {&context.state.table(layout.spec), *layout.columns};
}

Throttle::Throttle(double rows_a_second, Context& context)
    : bucket_(rows_a_second),
      clock_(context.clock),
      instance_(context.instance),
      parallelism_(context.parallelism),
      input_(context.inputs[0]),
      output_(context.outputs[0]),
      table_(open_table(context)) {}

Status Throttle::on_batch(std::size_t /*input*/, Batch batch, Emitter& out) {
  if (batch.rows == 0) return {};
  waiting_.push_back({std::move(batch), 0, kNoWatermark});
  ++batches_;
  return let_go(clock_.wall_us(), out);
}

Status Throttle::on_watermark(Microseconds watermark, Emitter& /*out*/) {
  waiting_.push_back({std::nullopt, 0, watermark});
  pass_watermarks();
  return {};
}

// With rows in front of it a watermark waits as they do.
Microseconds Throttle::output_watermark(Microseconds watermark) const {
  return waiting_.empty() ? watermark : std::min(passed_, watermark);
}

void Throttle::pass_watermarks() {
  for (; !waiting_.empty() && !waiting_.front().batch; waiting_.pop_front()) passed_ = waiting_.front().watermark;
}

std::optional<Microseconds> Throttle::due() const {
  if (batches_ == 0) return std::nullopt;
  const Waiting& front = waiting_.front();
  return bucket_.when(std::min<std::uint64_t>(front.batch->rows - front.begin, bucket_.rows_in(kPiece)));
}

Status Throttle::on_time(Microseconds now, Emitter& out) { return let_go(now, out); }

Status Throttle::let_go(Microseconds now, Emitter& out) {
  std::uint64_t most = bucket_.available(now);
  while (most > 0 && batches_ > 0) {
    const std::int64_t before = gone_;
    STREAM_TRY(emit_front(most, out));
    const auto went = static_cast<std::uint64_t>(gone_ - before);
    bucket_.take(went);
    most -= went;
    pass_watermarks();
  }
  return {};
}

Status Throttle::emit_front(std::size_t most, Emitter& out) {
  Waiting& front = waiting_.front();
  const Batch batch = *front.batch;
  std::vector<std::uint32_t> rows(std::min(most, batch.rows - front.begin));
  std::iota(rows.begin(), rows.end(), front.begin);
  gone_ += static_cast<std::int64_t>(rows.size());
  front.begin += static_cast<std::uint32_t>(rows.size());
  if (front.begin == batch.rows) {
    waiting_.pop_front();
    --batches_;
  }
  return emit_kept_rows(batch, rows, output_, out);
}

void Throttle::store(const Waiting& waiting, std::int64_t number) {
  for (std::uint32_t row = waiting.begin; row < waiting.batch->rows; ++row, ++number) {
    if (number < stored_until_) continue;
    const Row to = table_.rows->upsert({Cell(instance_), Cell(number)}).first;
    table_.columns.set(*table_.rows, to, *waiting.batch, row);
  }
}

Status Throttle::before_snapshot() {
  for (; stored_from_ < std::min(gone_, stored_until_); ++stored_from_) {
    table_.rows->erase(table_.rows->find({Cell(instance_), Cell(stored_from_)}));
  }
  stored_until_ = std::max(gone_, stored_until_);
  std::int64_t number = gone_;
  for (const Waiting& waiting : waiting_) {
    if (!waiting.batch) continue;
    store(waiting, number);
    number += waiting.batch->rows - waiting.begin;
  }
  stored_from_ = gone_;
  stored_until_ = number;
  return {};
}

// Rows of an instance that is gone wait in another one, all in the order they had.
Status Throttle::on_restored() {
  std::map<std::pair<std::int64_t, std::int64_t>, Row> ours;
  table_.rows->for_each([&](Row row) {
    const auto instance = table_.rows->get<std::int64_t>(row, 0);
    if (instance % parallelism_ == instance_) ours[{instance, table_.rows->get<std::int64_t>(row, 1)}] = row;
  });
  BatchBuilder builder(input_);
  const auto hand_over = [&] {
    if (builder.rows() == 0) return;
    waiting_.push_back({builder.finish(), 0, kNoWatermark});
    ++batches_;
  };
  for (const auto& [key, row] : ours) {
    table_.columns.append_to(*table_.rows, row, builder);
    if (builder.full()) hand_over();
  }
  hand_over();
  table_.rows->clear();
  return {};
}

}  // namespace stream
