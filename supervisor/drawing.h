// A pipeline as a picture.
#pragma once

#include <string>

#include "supervisor/pipeline.h"

namespace stream {

// For a terminal: a tree along the data. A stage that several lead to is drawn once, where the
// first of them leads; the others point at it with "-> NAME".
std::string graph_text(const PipelineSpec& pipeline);

// In the language of Graphviz.
std::string graph_dot(const PipelineSpec& pipeline);

}  // namespace stream
