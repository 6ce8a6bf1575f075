// Columns that an option names.
#pragma once

#include <string>
#include <vector>

#include "stages/kit/option.h"
#include "stages/kit/plan.h"

namespace stream {

// Adds the columns of the schema that the option lists, each once. False, with `error` set, if one is not there or
// stands twice.
bool find_columns(const Values& options, const std::string& option, const Schema& schema,
                  std::vector<std::size_t>* columns, PlanError* error);

}  // namespace stream
