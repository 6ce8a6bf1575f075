// MANIFEST|PIPELINE and the options that change it, the same for every verb that takes one.
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cli/planning_input.h"
#include "cli/verb.h"
#include "supervisor/manifest.h"
#include "supervisor/plan.h"
#include "supervisor/stage_folders.h"

namespace stream {

// What is said instead of reading it for somebody else.
inline constexpr std::string_view kNotSent = "standard input is not sent to a server; let a source read what is there";
inline constexpr std::string_view kHoldsPipeline = "standard input holds the pipeline itself; give a file instead of -";

inline constexpr std::array kPipelineOptions = {
    VerbOption{.name = "pipeline",
               .arg = "MANIFEST|PIPELINE",
               .doc = "A manifest (.yaml, .yml, .json), a pipeline in one argument, or - for standard input.",
               .kind = ValueKind::kPipeline,
               .positional = true,
               .required = true},
    VerbOption{.name = "parameter",
               .letter = 'p',
               .arg = "NAME=VALUE",
               .doc = "Set a parameter of the manifest.",
               .repeated = true},
    VerbOption{.name = "set",
               .arg = "PATH=VALUE",
               .doc = "Set anything in the manifest, such as stages.errors.where='x > 1'.",
               .repeated = true},
    VerbOption{.name = "parallelism",
               .arg = "N",
               .doc = "Instances of each stage that has no parallelism of its own, 1 to 1024.",
               .kind = ValueKind::kInteger,
               .least = 1,
               .most = 1024},
    VerbOption{.name = "name",
               .arg = "NAME",
               .doc = "Name of the job; with several pipelines in the manifest, the one that is meant."},
};

struct Commanded;

// kPipelineOptions with a verb's own behind them.
template <std::size_t N>
constexpr std::array<VerbOption, kPipelineOptions.size() + N> with_pipeline(const VerbOption (&own)[N]) {
  std::array<VerbOption, kPipelineOptions.size() + N> all{};
  std::size_t at = 0;
  for (const VerbOption& option : kPipelineOptions) all[at++] = option;
  for (const VerbOption& option : own) all[at++] = option;
  return all;
}

// An argument that ends in .yaml, .yml or .json is a manifest; "-" reads a manifest or a pipeline
// from standard input; anything else is a pipeline.
class PipelineArgument {
 public:
  // Of a verb whose table has kPipelineOptions.
  explicit PipelineArgument(const VerbValues& values);

  // `--name` means something else to the verb: no pipeline is chosen or renamed by it.
  void ignore_name() { ignore_name_ = true; }
  // The pipeline becomes this job's; with several in the manifest it is the one of that name.
  void use_name(std::string name) { name_ = std::move(name); }

  // As one more --set.
  void set(std::string setting) { settings_.push_back(std::move(setting)); }

  // All pipelines the argument holds. What is wrong with them is in problems() as well.
  Result<std::vector<PipelineSpec>> read();
  // Before each pipeline is planned: may refuse it. Set by who is going to run it; everybody else only looks at
  // standard input where it is no terminal.
  using BeforePlanning = std::function<Status(const PipelineSpec&, PlanningInput&)>;
  void before_planning(BeforePlanning check) { before_planning_ = std::move(check); }
  // Changes every pipeline between reading and planning.
  void edit(std::function<Status(PipelineSpec&)> edit) { edit_ = std::move(edit); }
  // The same, planned.
  Result<std::vector<JobPlan>> plan();

  PlanningInput& input() { return input_; }
  Catalogue& catalogue() { return catalogue_; }
  bool from_stdin() const;

  const Problems& problems() const { return problems_; }
  Problems& problems() { return problems_; }
  // Prints problems(), a line each and nothing before them, else the status as fail() does.
  // Returns the exit code.
  int fail(std::string_view verb, const Status& status) const;

 private:
  Status take_nodes(std::vector<PipelineSpec>& pipelines);
  Status take_metrics(std::vector<PipelineSpec>& pipelines);
  Result<Overrides> overrides_given() const;
  Result<std::vector<PipelineSpec>> read_own();
  Result<std::vector<PipelineSpec>> read_sent(const Commanded& from);
  Result<std::vector<PipelineSpec>> read_text(const std::string& text, const std::string& folder);
  Status take_log_to(std::vector<PipelineSpec>& pipelines);
  Result<std::vector<PipelineSpec>> read_manifest(const std::string& text, const std::string& file,
                                                  const std::string& folder);

  const VerbValues& values_;
  FolderCatalogue catalogue_;
  Problems problems_;
  PlanningInput input_;
  BeforePlanning before_planning_;
  std::function<Status(PipelineSpec&)> edit_;
  std::uint32_t parallelism_ = 0;  // 0: not given
  bool ignore_name_ = false;
  std::optional<std::string> name_;
  std::vector<std::string> settings_;
};

// What this machine allows one process: the hard limit of open files, three for a socket.
PlanLimits machine_limits();

}  // namespace stream
