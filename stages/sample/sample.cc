#include "stages/sample/sample.h"

#include <cmath>

#include "snapshot/state_store.h"
#include "stages/kit/kept_rows.h"
#include "stages/kit/option_columns.h"
#include "stages/kit/state_names.h"
#include "transport/record/key.h"

namespace stream {
namespace {

constexpr std::size_t kPosition = 1;

TableSpec positions_spec(const std::string& stage) {
  TableSpec spec;
  spec.name = state_table_name(stage);
  spec.distribution = Distribution::kShared;
  spec.key = {{"instance", kBigint}};
  spec.add_value({"position", kBigint}, "rows so far");
  return spec;
}

// Spreads what differs in few bits over all of them (the finalizer of splitmix64).
std::uint64_t mixed(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

bool fail(PlanError* error, std::string option, std::string message, std::string hint = {}) {
  *error = {std::move(option), 0, std::move(message), std::move(hint)};
  return false;
}

bool read_kind(const Values& options, SampleDesign* design, PlanError* error) {
  const int ways = (options.has("fraction") ? 1 : 0) + (options.has("every") ? 1 : 0) + (options.has("first") ? 1 : 0);
  if (ways != 1) {
    return fail(error, ways == 0 ? "fraction" : "",
                ways == 0 ? "nothing says how much to keep" : "there are two ways to choose",
                "give one of fraction, every and first");
  }
  if (options.has("fraction")) {
    design->fraction = options.number("fraction");
    if (!(design->fraction >= 0 && design->fraction <= 1))
      return fail(error, "fraction", "it is from 0 to 1", "0.01 is one in a hundred");
    return true;
  }
  const std::string way = options.has("every") ? "every" : "first";
  design->kind = way == "every" ? SampleDesign::Kind::kEvery : SampleDesign::Kind::kFirst;
  design->count = options.integer(way);
  return design->count >= 1 || fail(error, way, "it is at least 1");
}

}  // namespace

bool design_sample(const Values& options, const Schema& input, SampleDesign* design, PlanError* error) {
  if (!read_kind(options, design, error)) return false;
  design->seed = static_cast<std::uint64_t>(options.integer("seed"));
  if (options.has("by")) {
    if (design->kind != SampleDesign::Kind::kByPosition) {
      return fail(error, "by", "rows are chosen by number, not by what they hold", "it goes with fraction");
    }
    design->kind = SampleDesign::Kind::kByKey;
    if (!find_columns(options, "by", input, &design->by, error)) return false;
  }
  if (input.changelog == Changelog::kAppend || !design->counts()) return true;
  return fail(error, "", "the input's rows may be taken back, and would not be chosen again",
              "give fraction and by: what a row holds chooses it each time");
}

PlanAnswer plan_sample(const PlanRequest& request) {
  PlanAnswer answer;
  answer.cacheable = true;
  const Schema& input = request.inputs[0].schema;
  SampleDesign design;
  PlanError error;
  if (!design_sample(request.options, input, &design, &error)) {
    answer.errors.push_back(std::move(error));
    return answer;
  }
  OutputPlan output{"out", input, {}};
  for (const Field& field : input.fields) output.lineage.push_back({{0, field.name}});
  answer.outputs.push_back(std::move(output));
  InputPlan plan;
  for (const std::size_t column : design.by) plan.needs.push_back(input.fields[column].name);
  if (design.counts()) answer.state.push_back(positions_spec(request.stage));
  if (design.kind == SampleDesign::Kind::kFirst) {
    plan.partition = Partition::kSingle;
    answer.parallelism_max = 1;
    answer.parallelism_why = "the first rows are counted in one place";
  }
  answer.inputs.push_back(std::move(plan));
  return answer;
}

Result<std::unique_ptr<Operator>> Sample::make(Context& context) {
  SampleDesign design;
  PlanError error;
  if (!design_sample(context.options, *context.inputs[0], &design, &error)) {
    return usage_error("option '" + error.option + "': " + error.message);
  }
  return std::unique_ptr<Operator>(std::make_unique<Sample>(std::move(design), context, context.outputs[0]));
}

Sample::Sample(SampleDesign design, Context& context, SchemaPtr output)
    : design_(std::move(design)),
      positions_(design_.counts() ? &context.state.table(positions_spec(context.stage)) : nullptr),
      instance_(context.instance),
      output_(std::move(output)) {}

bool Sample::chosen(std::uint64_t hash) const {
  return std::ldexp(static_cast<double>(mixed(hash ^ mixed(design_.seed)) >> 11), -53) < design_.fraction;
}

void Sample::choose_by_key(const Batch& batch) {
  hashes_.resize(batch.rows);
  hash_keys(batch, design_.by, hashes_);
  for (std::uint32_t row = 0; row < batch.rows; ++row) {
    if (chosen(hashes_[row])) rows_.push_back(row);
  }
}

void Sample::choose_by_position(std::size_t rows) {
  for (std::uint32_t row = 0; row < rows; ++row) {
    const std::int64_t position = position_++;
    switch (design_.kind) {
      case SampleDesign::Kind::kEvery:
        if (position % design_.count != 0) continue;
        break;
      case SampleDesign::Kind::kFirst:
        if (position >= design_.count) continue;
        break;
      default:
        // Two instances choose differently.
        if (!chosen(mixed(static_cast<std::uint64_t>(instance_)) + static_cast<std::uint64_t>(position))) continue;
    }
    rows_.push_back(row);
  }
}

Status Sample::on_batch(std::size_t /*input*/, Batch batch, Emitter& out) {
  rows_.clear();
  design_.counts() ? choose_by_position(batch.rows) : choose_by_key(batch);
  return emit_kept_rows(batch, rows_, output_, out);
}

// Numbers of instances that are gone count no more.
Status Sample::on_restored() {
  if (positions_ == nullptr) return {};
  const Row known = positions_->find({Cell(instance_)});
  position_ = known ? positions_->get<std::int64_t>(known, kPosition) : 0;
  positions_->clear();
  return {};
}

Status Sample::before_snapshot() {
  if (positions_ == nullptr || position_ == 0) return {};
  const Row known = positions_->find({Cell(instance_)});
  if (known && positions_->get<std::int64_t>(known, kPosition) == position_) return {};
  positions_->set(positions_->upsert({Cell(instance_)}).first, kPosition, position_);
  return {};
}

}  // namespace stream
