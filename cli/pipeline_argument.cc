#include "cli/pipeline_argument.h"

#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <iterator>

#include "supervisor/pipeline_text.h"
#include "transport/base/text.h"

namespace stream {
namespace {

bool is_manifest_file(const std::string& argument) {
  return argument.ends_with(".yaml") || argument.ends_with(".yml") || argument.ends_with(".json");
}

// A manifest begins with a key or a brace; a pipeline with a word.
bool looks_like_manifest(std::string_view text) {
  text = trim(text);
  if (text.starts_with("{") || text.starts_with("---") || text.starts_with("#")) return true;
  const std::string_view line = text.substr(0, text.find('\n'));
  const std::size_t colon = line.find(':');
  return colon != std::string_view::npos && line.substr(0, colon).find_first_of(" \t|'\"") == std::string_view::npos;
}

}  // namespace

PipelineArgument::PipelineArgument() : catalogue_(stage_folders(), cache_folder(), system_files()) {}

void PipelineArgument::declare(CLI::App& app) {
  app.add_option("pipeline", argument_, "a manifest (.yaml, .yml, .json), a pipeline in one argument, or - for standard input")
      ->required();
  app.add_option("-p", parameters_, "set a parameter of the manifest")->type_name("NAME=VALUE")->allow_extra_args(false);
  app.add_option("--set", settings_, "set anything in the manifest, such as stages.errors.where='x > 1'")
      ->type_name("PATH=VALUE")->allow_extra_args(false);
  app.add_option("--parallelism", parallelism_, "instances of each stage that has no parallelism of its own")
      ->type_name("N")->check(CLI::Range(1, 1024));
  app.add_option("--name", name_, "name of the job")->type_name("NAME");
}

Result<std::vector<PipelineSpec>> PipelineArgument::read_manifest(const std::string& text, const std::string& file,
                                                                  const std::string& folder) {
  STREAM_ASSIGN(Overrides overrides, read_overrides(parameters_, settings_));
  if (parallelism_ != 0) overrides.parallelism = parallelism_;
  overrides.name = name_;
  Problems problems;
  auto pipelines = load_manifest({text, file, folder}, {catalogue_, system_files(), process_environment(), overrides}, problems);
  STREAM_TRY(problems.status());
  return pipelines;
}

Result<std::vector<PipelineSpec>> PipelineArgument::read() {
  const std::string here = std::filesystem::current_path().string();
  if (is_manifest_file(argument_)) {
    STREAM_ASSIGN(const std::string text, system_files().read_file(argument_));
    return read_manifest(text, argument_, std::filesystem::absolute(argument_).parent_path().lexically_normal().string());
  }
  std::string text = argument_;
  if (argument_ == "-") text.assign(std::istreambuf_iterator<char>(std::cin), {});
  if (argument_ == "-" && looks_like_manifest(text)) return read_manifest(text, "standard input", here);
  if (!parameters_.empty() || !settings_.empty()) return usage_error("-p and --set need a manifest");
  Problems problems;
  PipelineSpec pipeline = parse_pipeline(text, name_, here, catalogue_, problems);
  STREAM_TRY(problems.status());
  for (StageSpec& stage : pipeline.stages) {
    if (parallelism_ != 0 && !stage.parallelism_given) stage.parallelism = parallelism_;
  }
  return std::vector<PipelineSpec>{std::move(pipeline)};
}

Result<std::vector<JobPlan>> PipelineArgument::plan() {
  STREAM_ASSIGN(std::vector<PipelineSpec> pipelines, read());
  std::vector<JobPlan> plans;
  Problems problems;
  ProcessAsker asker;
  for (PipelineSpec& pipeline : pipelines) {
    plans.push_back(make_plan(std::move(pipeline), catalogue_, asker, machine_limits(), problems));
  }
  STREAM_TRY(problems.status());
  return plans;
}

PlanLimits machine_limits() {
  PlanLimits limits;
  rlimit files = {};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_max == RLIM_INFINITY) return limits;
  constexpr std::size_t kOwnFiles = 64;
  const std::size_t free = files.rlim_max > kOwnFiles ? files.rlim_max - kOwnFiles : 0;
  limits.sockets = std::min(limits.sockets, free / 3);
  return limits;
}

}  // namespace stream
