// A flame graph as one SVG file that needs nothing else: in a browser a click on a function enlarges what it calls, and
// 'Search' shows where a name occurs; elsewhere it is a picture.
#pragma once

#include <string>

#include "supervisor/profile/call_tree.h"

namespace stream::profile {

struct FlameText {
  std::string title;     // "web-errors: per-minute"
  std::string subtitle;  // how it was made
};

// Callers below, what they call above, as wide as its share of the samples. What is too narrow to be seen is left out.
std::string flame_svg(const CallTree& tree, const FlameText& text);

}  // namespace stream::profile
