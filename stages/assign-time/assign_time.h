// AssignTime: gives rows their event time; the kit makes the watermarks.
#pragma once

#include <string>
#include <vector>

#include "stages/assign-time/time_values.h"
#include "stages/expression/expression.h"
#include "stages/kit/stage.h"

namespace stream {

// Planning and running derive it from the same options.
struct AssignTimeDesign {
  Expression from;
  TimeValues values;
  std::string name;                     // of the column of event time
  std::optional<std::size_t> replaced;  // the input column whose place it takes; none: it stands behind all others
};

// nullopt with `error` set where the options are wrong for this input.
std::optional<AssignTimeDesign> design_assign_time(const Values& options, const Schema& input, PlanError* error);
PlanAnswer plan_assign_time(const PlanRequest& request);

class AssignTime final : public Operator {
 public:
  static Result<std::unique_ptr<Operator>> make(Context& context);
  // `output`: null where nothing reads it.
  AssignTime(AssignTimeDesign design, SchemaPtr output);

  bool makes_time() const override { return true; }
  Status on_batch(std::size_t input, Batch batch, Emitter& out) override;

 private:
  Batch timed(const Batch& batch, const Column& times) const;

  const AssignTimeDesign design_;
  SchemaPtr output_;
  std::vector<RowError> errors_;
};

}  // namespace stream
