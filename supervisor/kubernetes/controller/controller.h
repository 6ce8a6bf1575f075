// Controller: of several, one leads and looks after all pipelines of its namespace; see stream-kubernetes(7).
#pragma once

#include <memory>
#include <string>

#include "supervisor/ha/tenure.h"
#include "supervisor/kubernetes/api/api.h"
#include "transport/base/status.h"

namespace stream::kubernetes {

// Waits until it leads, or a signal of these is there: none then. Errors: of opening the place.
Result<std::unique_ptr<ha::Tenure>> wait_to_lead(const ApiPlace& place, int signals);

// Looks after them until a signal is there. Errors: kFailed where another leads; what was begun, that one goes on with.
Status look_after(const ApiPlace& place, const std::string& program, const ha::Tenure& tenure, int signals);

}  // namespace stream::kubernetes
