// The manifest of a job that is there, written anew from what the job keeps of it: parameters are in their places, and
// what was left out stands where it is not the default.
#pragma once

#include <string>

#include "supervisor/pipeline.h"

namespace stream::http {

std::string manifest_text(const PipelineSpec& pipeline);

}  // namespace stream::http
