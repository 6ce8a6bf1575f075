// Folders: which folder below the path each row belongs to, by the values of `by`.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "stages/expression/select_list.h"
#include "stages/kit/stage.h"

namespace stream {

// "country=DE/day=2024-02-29/" -> positions of its rows, ascending. Without `by` all rows are in "".
// NULL is `__null__`. Rows whose values cannot be computed or named are bad records.
Result<std::map<std::string, std::vector<std::uint32_t>>> spread(const std::vector<SelectedColumn>& by,
                                                                 const Batch& batch, Emitter& out);

}  // namespace stream
