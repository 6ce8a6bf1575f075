// The pipeline of a run that is only compared: as it is, but what its sinks would get is caught in files.
#pragma once

#include <string>
#include <vector>

#include "compare/performance.h"
#include "compare/result_comparison.h"
#include "supervisor/pipeline.h"
#include "supervisor/plan.h"
#include "supervisor/stage_info.h"

namespace stream {

struct CaughtPipeline {
  PipelineSpec spec;
  std::vector<std::string> sinks;  // that are caught, in the order of the manifest
};

// `job`: its name from here on. `folder`: where the files will be. `only`: the sink that is caught, others get nothing
// to do; "" = all. Errors: kUsage, naming what cannot be run beside the job it is a copy of.
Result<CaughtPipeline> catch_sinks(const PipelineSpec& pipeline, Catalogue& catalogue, const std::string& job,
                                   const std::string& folder, const std::string& only);

// Sources that a server knows by a name it gives one reader a time must not have the same in A and B. Errors: kUsage.
Status check_readers(const PipelineSpec& a, const PipelineSpec& b);

std::string catcher_of(const std::string& sink);  // the stage
std::string caught_file(const std::string& folder, const std::string& sink);

// What is known of what a stage gets: its columns, which of them are reals, and the key of `sink`: its option `key`,
// else that of the stream; empty if it has none, or one that is no list of columns.
struct CaughtRows {
  std::vector<std::string> columns = {};
  std::vector<std::string> key = {};
  std::set<std::string> reals = {};
};
CaughtRows caught_rows(const JobPlan& plan, const std::string& stage, const PipelineSpec& original,
                       const std::string& sink);

// What two runs write into two files, of a sink that both have. Keys and columns to ignore that it does not have are
// left out of `options`; without a key of the user's it is compared by its own, if both have the same.
ResultPair pair_of(const std::array<CaughtRows, 2>& rows, const std::array<std::string, 2>& files,
                   const std::string& sink, const DiffOptions& options);
// That what the user named is a column of one of them. Errors: kUsage.
Status check_columns(const std::vector<ResultPair>& pairs, const DiffOptions& options);

RunStages run_stages_of(const JobPlan& plan);

}  // namespace stream
