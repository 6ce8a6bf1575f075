// MANIFEST|PIPELINE and the options that change it, the same for every verb that takes one.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cli/planning_input.h"
#include "supervisor/manifest.h"
#include "supervisor/plan.h"
#include "supervisor/stage_folders.h"

namespace CLI {
class App;
}

namespace stream {

inline constexpr std::string_view kHoldsPipeline = "standard input holds the pipeline itself; give a file instead of -";

// An argument that ends in .yaml, .yml or .json is a manifest; "-" reads a manifest or a pipeline
// from standard input; anything else is a pipeline.
class PipelineArgument {
 public:
  PipelineArgument();

  // MANIFEST|PIPELINE, -p, --set, --parallelism, --name.
  void declare(CLI::App& app);

  // All pipelines the argument holds. What is wrong with them is in problems() as well.
  Result<std::vector<PipelineSpec>> read();
  // Before each pipeline is planned: may refuse it. Set by who is going to run it; everybody else only looks at
  // standard input where it is no terminal.
  using BeforePlanning = std::function<Status(const PipelineSpec&, PlanningInput&)>;
  void before_planning(BeforePlanning check) { before_planning_ = std::move(check); }
  // The same, planned.
  Result<std::vector<JobPlan>> plan();

  PlanningInput& input() { return input_; }
  bool from_stdin() const { return argument_ == "-"; }

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
  PlanningInput input_;
  BeforePlanning before_planning_;
  std::string argument_;
  std::vector<std::string> parameters_;
  std::vector<std::string> settings_;
  std::uint32_t parallelism_ = 0;  // 0: not given
  std::string name_;
};

// What this machine allows one process: the hard limit of open files, three for a socket.
PlanLimits machine_limits();

}  // namespace stream
