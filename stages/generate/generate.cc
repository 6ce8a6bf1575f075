#include "stages/generate/generate.h"

#include <algorithm>
#include <utility>

#include "stages/generate/nexmark.h"
#include "stages/generate/random.h"
#include "stages/kit/row_text.h"

namespace stream {
namespace {

constexpr std::int64_t kBatchRows = 4096;

// What the column expressions may use.
constexpr std::string_view kBase = "n bigint, random bigint, uniform double";

std::vector<SelectText> texts(const std::vector<SelectItem>& items) {
  std::vector<SelectText> out;
  for (const SelectItem& item : items) out.push_back({item.name, item.text});
  return out;
}

PlanAnswer plan_columns(const Values& options) {
  PlanAnswer answer;
  answer.cacheable = true;
  SelectError error;
  const auto columns = compile_select(texts(options.select("columns")), *parse_schema(kBase), &error);
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
  answer.state.push_back(RowNumbers::table_spec());
  return answer;
}

// Options that mean nothing beside the others.
std::vector<PlanError> useless_options(const Values& options) {
  std::vector<PlanError> errors;
  if (options.flag("nexmark")) {
    const std::vector<SelectItem>& columns = options.select("columns");
    if (columns.empty() || columns == std::vector<SelectItem>{{"", std::string(kColumnsFallback)}}) return errors;
    errors.push_back({"columns", 0, "the columns of Nexmark's events are given", "choose from them with `select`"});
    return errors;
  }
  for (const char* name : {"event-rate", "shuffle", "matching-bidders"}) {
    if (options.has(name)) errors.push_back({name, 0, "has a meaning with `nexmark` only", ""});
  }
  return errors;
}

}  // namespace

PlanAnswer plan_generate(const PlanRequest& request) {
  PlanAnswer answer;
  answer.errors = useless_options(request.options);
  for (const auto& [name, least] : {std::pair{"rows", 0}, {"rate", 1}}) {
    if (!request.options.has(name) || request.options.integer(name) >= least) continue;
    answer.errors.push_back({name, 0, "must be at least " + std::to_string(least), ""});
  }
  if (!answer.errors.empty()) return answer;
  return request.options.flag("nexmark") ? nexmark::plan(request.options) : plan_columns(request.options);
}

Result<std::unique_ptr<Source>> make_generate(Context& context) {
  if (context.options.flag("nexmark")) return std::unique_ptr<Source>(std::make_unique<nexmark::Generator>(context));
  SelectError error;
  auto columns = compile_select(texts(context.options.select("columns")), *parse_schema(kBase), &error);
  if (!columns) return usage_error("option 'columns': " + error.error.message);
  return std::unique_ptr<Source>(std::make_unique<Generate>(context, *std::move(columns)));
}

Generate::Generate(Context& context, std::vector<SelectedColumn> columns)
    : base_(std::make_shared<const Schema>(*parse_schema(kBase))),
      output_(context.outputs[0]),
      seed_(static_cast<std::uint64_t>(context.options.integer("seed"))),
      numbers_(context) {
  // Only the columns that are used downstream are computed.
  for (const Field& field : output_ ? output_->fields : std::vector<Field>()) {
    for (SelectedColumn& column : columns) {
      if (column.name == field.name) columns_.push_back(column);
    }
  }
}

Status Generate::on_restored() {
  numbers_.restore();
  return {};
}

Status Generate::before_snapshot() {
  numbers_.save();
  return {};
}

Batch Generate::base_rows(std::span<const std::int64_t> numbers) const {
  const std::size_t rows = numbers.size();
  ByteBuilder n;
  ByteBuilder random;
  ByteBuilder uniform;
  n.append(numbers.data(), rows * 8);
  auto* random_out = reinterpret_cast<std::int64_t*>(random.extend(rows * 8));
  auto* uniform_out = reinterpret_cast<double*>(uniform.extend(rows * 8));
  for (std::size_t i = 0; i < rows; ++i) {
    const std::uint64_t bits = mixed(seed_ * 0x2545f4914f6cdd1dULL + static_cast<std::uint64_t>(numbers[i]));
    random_out[i] = static_cast<std::int64_t>(bits >> 1);
    uniform_out[i] = unit(bits);
  }
  return {
      base_,
      rows,
      {{kBigint, rows, {}, n.finish()}, {kBigint, rows, {}, random.finish()}, {kDouble, rows, {}, uniform.finish()}},
      {}};
}

Result<Source::Poll> Generate::poll(Emitter& out) {
  const std::span<const std::int64_t> numbers =
      numbers_.next(std::min(kBatchRows, static_cast<std::int64_t>(out.rows_wanted())));
  if (numbers.empty()) return numbers_.ended() ? Poll::kEnd : Poll::kIdle;
  const Batch base = base_rows(numbers);
  Batch rows{output_, base.rows, {}, {}};
  std::vector<RowError> errors;
  for (const SelectedColumn& column : columns_) rows.columns.push_back(column.expression.evaluate(base, &errors));
  STREAM_TRY(report_row_errors(base, errors, out));
  STREAM_TRY(out.emit(std::move(rows)));
  return Poll::kMore;
}

}  // namespace stream
