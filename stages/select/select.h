// Select: computes columns from the columns of each row.
#pragma once

#include <string>
#include <vector>

#include "stages/expression/select_list.h"
#include "stages/kit/stage.h"

namespace stream {

PlanAnswer plan_select(const PlanRequest& request);

class Select final : public Operator {
 public:
  // `columns` in the order of the output's fields; `output` null: nothing reads it.
  Select(std::vector<Expression> columns, SchemaPtr output);
  static Result<std::unique_ptr<Operator>> make(Context& context);

  Status on_batch(std::size_t input, Batch batch, Emitter& out) override;

 private:
  std::vector<Expression> columns_;
  SchemaPtr output_;
  std::vector<RowError> errors_;
};

}  // namespace stream
