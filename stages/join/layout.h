// Where a join keeps the rows of one input.
#pragma once

#include <string>
#include <string_view>

#include "stages/join/design.h"

namespace stream {

// Decides how the side's rows are told apart and lays out its state table. All but that is designed.
void lay_out_side(JoinDesign& design, std::size_t side, const std::string& stage, std::string_view condition);

}  // namespace stream
