// The source behind stream-read-postgres: which tables, in which way.
#pragma once

#include "stages/kit/stage.h"

namespace stream {

PlanAnswer plan_read_postgres(const PlanRequest& request);
Result<std::unique_ptr<Source>> make_read_postgres(Context& context);

// What the option `drop` asks, outside a job: drops the slot and its publication, says so on standard output and
// then says kInterrupted: nothing else is to be done.
Status drop_slot(Values& options);

}  // namespace stream
