// The stage aggregate as the kit sees it.
#pragma once

#include <memory>

#include "stages/kit/stage.h"

namespace stream {

PlanAnswer plan_aggregate(const PlanRequest& request);
Result<std::unique_ptr<Operator>> make_aggregate(Context& context);

}  // namespace stream
