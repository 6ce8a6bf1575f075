// In the Pod of a host: an agent whose input and output are a connection to the supervisor's Pod.
#pragma once

#include "transport/base/status.h"

namespace stream::kubernetes {

// Serves until the supervisor or the agent ends. Errors: whatever keeps it from beginning.
Status join();

}  // namespace stream::kubernetes
