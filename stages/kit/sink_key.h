// The key of a sink with the option `key`: by it rows of a stream of changes are updated and deleted.
#pragma once

#include <string>
#include <vector>

#include "stages/kit/stage.h"

namespace stream {

// The columns of `key`, or else of the key of a stream of changes; none: every row is inserted. Rows of one key
// are asked to go to one instance. What is wrong goes to the answer. Adds the answer's only input.
std::vector<std::string> plan_sink_key(const PlanRequest& request, PlanAnswer& answer);

// The same as indexes of the input's columns. Errors: kUsage.
Result<std::vector<std::size_t>> sink_key(const Context& context);

}  // namespace stream
