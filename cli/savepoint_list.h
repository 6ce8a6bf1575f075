// The catalogue: what savepoints there are, of one job or of all.
#pragma once

#include <string>

#include "transport/base/status.h"

namespace stream {

// Prints it, a table or a line of JSON each. `job`: "" = all. Errors: kUsage for a job that does not exist.
Status print_savepoints(const std::string& job, bool as_json);

}  // namespace stream
