// What a state looks like on a screen of a certain size.
#pragma once

#include <string>
#include <vector>

#include "cli/top/top_state.h"

namespace stream {

struct Canvas {
  std::size_t lines = 24;
  std::size_t columns = 80;
  bool utf8 = true;
};

// `lines` lines or fewer, none wider than `columns`. Tells the state how many rows there was room for.
std::vector<Line> picture(TopState& state, Canvas canvas);

}  // namespace stream
