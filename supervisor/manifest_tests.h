// `tests:` of a manifest, stream-manifest(5).
#pragma once

#include <vector>

#include "supervisor/document.h"
#include "supervisor/inputs.h"
#include "supervisor/pipeline.h"
#include "supervisor/stage_info.h"

namespace stream {

// Reports what no plan is needed to see: unknown stages, rows that are none, tests that expect nothing.
// `scopes`: the included files, whose names stand for their outputs.
std::vector<PipelineTest> read_tests(const Node& tests, const PipelineSpec& pipeline,
                                     const std::vector<StageScope>& scopes, Catalogue& catalogue, Problems& problems);

// A value as JSON: a plain scalar that is a number, true, false or null is that, every other a text.
std::string typed_json(const Node& node);

}  // namespace stream
