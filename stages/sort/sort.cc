#include "stages/sort/sort.h"

#include <algorithm>

#include "snapshot/state_store.h"
#include "stages/kit/late_rows.h"
#include "stages/kit/option_columns.h"

namespace stream {
namespace {

constexpr std::size_t kLateOutput = 1;
constexpr std::size_t kPieceRows = 4096;

OutputPlan everything(std::string name, const Schema& schema) {
  OutputPlan output{std::move(name), schema, {}};
  for (const Field& field : schema.fields) output.lineage.push_back({{0, field.name}});
  return output;
}

std::nullopt_t fail(PlanError* error, std::string message, std::string hint) {
  *error = {"", 0, std::move(message), std::move(hint)};
  return std::nullopt;
}

}  // namespace

std::optional<SortDesign> design_sort(const Values& options, const Schema& input, const std::string& stage,
                                      PlanError* error) {
  if (!input.time) {
    return fail(
        error, "rows are put in order of event time, and the input has none",
        "name the column that holds it on the stage that reads the records: `time: COLUMN`, or use assign-time");
  }
  if (input.changelog == Changelog::kUpdates) {
    return fail(error, "the input's rows may be taken back, and what takes one back must stay behind it",
                "sort before the rows are changed, or use top-n");
  }
  std::vector<std::size_t> by;
  if (!find_columns(options, "by", input, &by, error)) return std::nullopt;
  std::vector<OrderColumn> order;
  if (options.has("order")) {
    auto parsed = parse_ordering(options.text("order"), input, "order", error);
    if (!parsed) return std::nullopt;
    order = *std::move(parsed);
  }
  return SortDesign{WaitingLayout(state_table_name(stage), input, std::move(by)), std::move(order)};
}

PlanAnswer plan_sort(const PlanRequest& request) {
  PlanAnswer answer;
  answer.cacheable = true;
  const Schema& input = request.inputs[0].schema;
  PlanError error;
  const auto design = design_sort(request.options, input, request.stage, &error);
  if (!design) {
    answer.errors.push_back(std::move(error));
    return answer;
  }
  answer.outputs.push_back(everything("out", input));
  answer.outputs.push_back(everything("late", input));
  InputPlan plan;
  plan.needs = input.names();
  plan.partition = design->layout.by.empty() ? Partition::kSingle : Partition::kHash;
  for (const std::size_t column : design->layout.by) plan.partition_columns.push_back(input.fields[column].name);
  answer.inputs.push_back(std::move(plan));
  answer.state.push_back(design->layout.spec);
  if (design->layout.by.empty()) {
    answer.parallelism_max = 1;
    answer.parallelism_why = "without 'by' all rows are one sequence";
  }
  return answer;
}

Result<std::unique_ptr<Operator>> Sort::make(Context& context) {
  PlanError error;
  auto design = design_sort(context.options, *context.inputs[0], context.stage, &error);
  if (!design) return usage_error("option '" + error.option + "': " + error.message);
  SchemaPtr late = context.outputs.size() > kLateOutput ? context.outputs[kLateOutput] : nullptr;
  return std::unique_ptr<Operator>(std::make_unique<Sort>(*std::move(design), *context.inputs[0], context.state,
                                                          context.outputs[0], std::move(late)));
}

Sort::Sort(SortDesign design, const Schema& input, StateStore& store, SchemaPtr output, SchemaPtr late)
    : time_(design.layout.time),
      order_(std::move(design.order)),
      waiting_(std::move(design.layout), store),
      output_(std::move(output)),
      late_(std::move(late)) {
  if (!output_) return;
  for (const Field& field : output_->fields) columns_.push_back(waiting_.column(*input.find(field.name)));
}

Status Sort::on_batch(std::size_t /*input*/, Batch batch, Emitter& out) {
  std::vector<std::uint32_t> rows;
  std::vector<std::uint32_t> late;
  STREAM_TRY(split_by_time(batch, time_, watermark_, &rows, &late, out));
  waiting_.add(batch, rows);
  return emit_late_rows(batch, late, late_, kLateOutput, out);
}

Status Sort::on_watermark(Microseconds watermark, Emitter& out) {
  watermark_ = std::max(watermark_, watermark);
  while (has_more() && !out.full()) STREAM_TRY(more(out));
  return {};
}

Status Sort::more(Emitter& out) {
  waiting_.next(watermark_, kPieceRows, order_, &rows_);
  // Many rows of one time are more than a batch.
  for (std::size_t begin = 0; output_ && begin < rows_.size(); begin += kBatchRowsMax) {
    const std::size_t count = std::min(kBatchRowsMax, rows_.size() - begin);
    STREAM_TRY(out.emit(gathered(std::span(rows_).subspan(begin, count))));
  }
  waiting_.erase(rows_);
  return {};
}

Batch Sort::gathered(std::span<const Row> rows) const {
  Batch batch{output_, rows.size(), {}, {}};
  for (const std::size_t column : columns_) batch.columns.push_back(waiting_.table().gather(rows, column));
  return batch;
}

Status Sort::on_restored() {
  waiting_.on_restored();
  return {};
}

}  // namespace stream
