// Route: each row goes to the first output whose condition it meets.
#pragma once

#include <string>
#include <vector>

#include "stages/expression/expression.h"
#include "stages/kit/stage.h"

namespace stream {

PlanAnswer plan_route(const PlanRequest& request);

class Route final : public Operator {
 public:
  static Result<std::unique_ptr<Operator>> make(Context& context);
  // `outputs`: "out", which gets the rows that meet no condition, then one for each condition; null where
  // nothing reads it.
  Route(std::vector<Expression> conditions, std::vector<SchemaPtr> outputs);

  Status on_batch(std::size_t input, Batch batch, Emitter& out) override;

 private:
  Status choose(const Batch& batch, std::size_t condition, Emitter& out);
  Status send(const Batch& batch, std::size_t output, Emitter& out);

  std::vector<Expression> conditions_;
  std::vector<SchemaPtr> outputs_;
  std::vector<std::uint8_t> gone_;                // by row: it has its output, or is a bad record
  std::vector<std::vector<std::uint32_t>> rows_;  // by output
};

}  // namespace stream
