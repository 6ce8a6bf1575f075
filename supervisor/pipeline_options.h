// The arguments of one stage in a quoted pipeline.
#pragma once

#include <span>

#include "supervisor/pipeline_text.h"

namespace stream {

// --name value, --name=value, --flag and one positional -> the options and placement of `stage`.
// All reserved options but run and from may be given as well.
void read_stage_words(const StageInfo& info, std::span<const Word> words, StageSpec& stage, Problems& problems);

}  // namespace stream
