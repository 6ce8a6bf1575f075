// MANIFEST|PIPELINE and the options that change it, the same for every verb that takes one.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "supervisor/manifest.h"
#include "supervisor/plan.h"
#include "supervisor/stage_folders.h"

namespace CLI {
class App;
}

namespace stream {

// An argument that ends in .yaml, .yml or .json is a manifest; "-" reads a manifest or a pipeline
// from standard input; anything else is a pipeline.
class PipelineArgument {
 public:
  PipelineArgument();

  // MANIFEST|PIPELINE, -p, --set, --parallelism, --name.
  void declare(CLI::App& app);

  // All pipelines the argument holds. What is wrong with them is in problems() as well.
  Result<std::vector<PipelineSpec>> read();
  // The same, planned.
  Result<std::vector<JobPlan>> plan();

  const Problems& problems() const { return problems_; }
  // Prints problems(), a line each and nothing before them, else the status as fail() does.
  // Returns the exit code.
  int fail(std::string_view verb, const Status& status) const;

  Catalogue& catalogue() { return catalogue_; }

 private:
  Result<std::vector<PipelineSpec>> read_manifest(const std::string& text, const std::string& file,
                                                  const std::string& folder);

  FolderCatalogue catalogue_;
  Problems problems_;
  std::string argument_;
  std::vector<std::string> parameters_;
  std::vector<std::string> settings_;
  std::uint32_t parallelism_ = 0;  // 0: not given
  std::string name_;
};

// What this machine allows one process: the hard limit of open files, three for a socket.
PlanLimits machine_limits();

}  // namespace stream
