#include "stages/aggregate/make.h"
#include "snapshot/state_store.h"
#include "stages/aggregate/aggregate.h"
#include "stages/aggregate/counted.h"
#include "stages/aggregate/processing_time.h"
#include "stages/aggregate/session.h"
#include "stages/aggregate/sliced.h"

namespace stream {

Result<std::unique_ptr<Operator>> make_aggregate(Context& context) {
  PlanError error;
  auto design = design_aggregate(context.options, *context.inputs[0], context.stage, context.supervised, &error);
  if (!design) return usage_error("option '" + error.option + "': " + error.message);
  SchemaPtr output = context.outputs[0];
  SchemaPtr late = context.outputs.size() > kLateOutput ? context.outputs[kLateOutput] : nullptr;
  std::unique_ptr<Operator> made;
  const AggregateDesign kept = *design;
  if (design->sliced()) {
    made = std::make_unique<SlicedAggregate>(*std::move(design), context, std::move(output), std::move(late));
  } else if (design->sessions()) {
    made = std::make_unique<SessionAggregate>(*std::move(design), context.state, std::move(output), std::move(late));
  } else if (design->counted()) {
    made = std::make_unique<CountedAggregate>(*std::move(design), context.state, std::move(output));
  } else {
    made = std::make_unique<Aggregate>(*std::move(design), context.state, std::move(output), std::move(late));
  }
  if (!kept.processing) return made;
  const StateTable& table = context.state.table(kept.table);
  made = std::make_unique<ProcessingTime>(kept, *context.inputs[0], std::move(made), table, context.clock);
  return made;
}

}  // namespace stream
