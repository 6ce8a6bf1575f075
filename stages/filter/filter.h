// Filter: passes on the rows for which a condition is true.
#pragma once

#include <vector>

#include "stages/expression/expression.h"
#include "stages/kit/stage.h"

namespace stream {

PlanAnswer plan_filter(const PlanRequest& request);

class Filter final : public Operator {
 public:
  static Result<std::unique_ptr<Operator>> make(Context& context);
  Filter(Expression where, SchemaPtr output);

  Status on_batch(std::size_t input, Batch batch, Emitter& out) override;

 private:
  Status emit_rows(const Batch& batch, Emitter& out);

  Expression where_;
  SchemaPtr output_;
  std::vector<std::size_t> columns_;  // of the input, as the output wants them
  std::vector<std::uint32_t> rows_;
  std::vector<RowError> errors_;
};

}  // namespace stream
