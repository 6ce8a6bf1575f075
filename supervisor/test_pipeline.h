// A test of a manifest as a pipeline: the stages under test, fed with the given rows, and a file for each list of
// rows that is expected. Sources and sinks of the pipeline are replaced, so no server is needed.
#pragma once

#include <map>
#include <string>

#include "supervisor/pipeline.h"
#include "supervisor/problems.h"
#include "supervisor/stage_info.h"

namespace stream {

struct TestPipeline {
  PipelineSpec spec;
  std::map<std::string, std::string> files;  // by name, to be written into the folder before it is planned
};

// `folder`: where its files are and will be. What is wrong, such as a source that has no rows, goes to `problems`.
TestPipeline make_test_pipeline(const PipelineSpec& pipeline, const PipelineTest& test, const std::string& folder,
                                Catalogue& catalogue, Problems& problems);

// The stage that keeps what is expected under PipelineTest::expect[i], and the file it writes.
std::string keeper_name(std::size_t i);
std::string kept_file(std::size_t i);

}  // namespace stream
