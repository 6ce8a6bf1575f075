#include "streak.h"

#include "snapshot/state_store.h"
#include "stages/kit/option_columns.h"
#include "stages/kit/state_names.h"
#include "transport/record/key.h"

using namespace stream;

namespace {

bool design(const Values& options, const Schema& input, const std::string& stage, StreakDesign* out, PlanError* error) {
  std::vector<std::size_t> of;
  if (!find_columns(options, "by", input, &out->by, error) || !find_columns(options, "of", input, &of, error))
    return false;
  if (of.size() != 1) {
    *error = {"of", 0, "one column is compared, not " + std::to_string(of.size()), ""};
    return false;
  }
  if (input.changelog == Changelog::kUpdates) {
    *error = {"", 0, "the input's rows may be taken back, and streaks cannot", ""};
    return false;
  }
  out->of = of[0];
  StateColumnNames names;
  out->table.name = state_table_name(stage);
  for (const std::size_t column : out->by)
    out->table.key.push_back({names.add(input.fields[column].name), input.fields[column].type});
  out->table.add_value({names.add("last_value"), input.fields[out->of].type}, "last " + input.fields[out->of].name);
  out->table.add_value({names.add("streak"), kBigint}, "rows in a row");
  out->output = input;
  out->output.fields.push_back({options.text("as"), kBigint});
  return true;
}

}  // namespace

PlanAnswer plan_streak(const PlanRequest& request) {
  PlanAnswer answer;
  answer.cacheable = true;
  StreakDesign made;
  PlanError error;
  const Schema& input = request.inputs[0].schema;
  if (!design(request.options, input, request.stage, &made, &error)) {
    answer.errors.push_back(std::move(error));
    return answer;
  }
  OutputPlan output{"out", made.output, {}};
  for (const Field& field : input.fields) output.lineage.push_back({{0, field.name}});
  output.lineage.push_back({});
  InputPlan plan;
  plan.partition = Partition::kHash;
  for (const std::size_t column : made.by) plan.partition_columns.push_back(input.fields[column].name);
  plan.needs = plan.partition_columns;
  plan.needs.push_back(input.fields[made.of].name);
  answer.outputs.push_back(std::move(output));
  answer.inputs.push_back(std::move(plan));
  answer.state.push_back(made.table);
  return answer;
}

Result<std::unique_ptr<Operator>> Streak::make(Context& context) {
  StreakDesign made;
  PlanError error;
  if (!design(context.options, *context.inputs[0], context.stage, &made, &error)) return usage_error(error.message);
  return std::unique_ptr<Operator>(std::make_unique<Streak>(std::move(made), context));
}

Streak::Streak(StreakDesign design, Context& context)
    : design_(std::move(design)), table_(context.state.table(design_.table)), output_(context.outputs[0]) {}

std::int64_t Streak::count(const Batch& batch, std::size_t row, Row state, bool first) {
  const std::size_t value = design_.by.size();
  const std::size_t streak = value + 1;
  ColumnBuilder both(batch.columns[design_.of].type(), 2);
  table_.append_to(state, value, both);
  both.append_from(batch.columns[design_.of], row);
  const std::size_t compared[] = {0};
  const bool same = !first && same_key(Batch{nullptr, 2, {both.finish()}, {}}, compared, 0, 1);
  const std::int64_t length = same ? table_.get<std::int64_t>(state, streak) + 1 : 1;
  table_.set(state, streak, length);
  if (!same) table_.set_from(state, value, batch.columns[design_.of], row);
  return length;
}

Status Streak::on_batch(std::size_t /*input*/, Batch batch, Emitter& out) {
  std::vector<std::uint64_t> hashes(batch.rows);
  std::vector<Row> rows(batch.rows);
  std::vector<std::uint8_t> inserted(batch.rows);
  hash_keys(batch, design_.by, hashes);
  table_.upsert(batch, design_.by, hashes, rows, inserted);
  ColumnBuilder streaks(kBigint, batch.rows);
  for (std::size_t row = 0; row < batch.rows; ++row) streaks.append(count(batch, row, rows[row], inserted[row] != 0));
  if (!output_) return {};
  Batch result{output_, batch.rows, {}, {}};
  const Column counted = streaks.finish();
  for (const Field& field : output_->fields) {
    const auto from = batch.schema->find(field.name);
    result.columns.push_back(from ? batch.columns[*from] : counted);
  }
  return out.emit(std::move(result));
}
