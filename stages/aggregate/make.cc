#include "stages/aggregate/make.h"
#include "snapshot/state_store.h"
#include "stages/aggregate/aggregate.h"
#include "stages/aggregate/combiner.h"
#include "stages/aggregate/counted.h"
#include "stages/aggregate/early.h"
#include "stages/aggregate/partial.h"
#include "stages/aggregate/processing_time.h"
#include "stages/aggregate/session.h"
#include "stages/aggregate/sliced.h"

namespace stream {

namespace {

// `output`: what of the results is read.
std::unique_ptr<AggregateOperator> make_windows(const AggregateDesign& design, Context& context, SchemaPtr output) {
  SchemaPtr late = context.outputs.size() > kLateOutput ? context.outputs[kLateOutput] : nullptr;
  if (design.sliced()) return std::make_unique<SlicedAggregate>(design, context, std::move(output), std::move(late));
  if (design.sessions()) {
    return std::make_unique<SessionAggregate>(design, context, std::move(output), std::move(late));
  }
  if (design.counted()) return std::make_unique<CountedAggregate>(design, context, std::move(output));
  return std::make_unique<Aggregate>(design, context, std::move(output), std::move(late));
}

}  // namespace

Result<std::unique_ptr<Operator>> make_aggregate(Context& context) {
  PlanError error;
  auto design = design_aggregate(context.options, *context.inputs[0], context.stage, context.supervised, &error);
  if (!design) return usage_error("option '" + error.option + "': " + error.message);
  const SchemaPtr output = context.outputs[0];
  const Schema& input = *context.inputs[0];
  if (context.options.text("phase") == "partial") {
    return std::unique_ptr<Operator>(
        std::make_unique<Combiner>(partial_design(*design, input), input, output, context.clock));
  }
  const bool early = design->early > 0 && output;
  const auto results = early ? std::make_shared<const Schema>(results_schema(*design, *context.inputs[0])) : output;
  auto windows = make_windows(*design, context, results);
  if (context.options.text("phase") == "final") {
    STREAM_ASSIGN(auto partial, PartialRows::make(*design, input));
    windows->read_partial(std::move(partial));
  }
  std::unique_ptr<Operator> made;
  if (early) {
    made = std::make_unique<EarlyResults>(*design, results, std::move(windows), context, output);
  } else {
    made = std::move(windows);
  }
  if (!design->processing) return made;
  const StateTable& table = context.state.table(design->table);
  made = std::make_unique<ProcessingTime>(*design, *context.inputs[0], std::move(made), table, context.clock);
  return made;
}

}  // namespace stream
