// The top of a manifest: everything but names, parameters and stages.
#pragma once

#include "supervisor/document.h"
#include "supervisor/pipeline.h"

namespace stream {

// checkpoint, restart, savepoints, autoscale, key-groups, align, memory, log.
void read_settings(const Node& root, PipelineSpec& pipeline, Problems& problems);

}  // namespace stream
