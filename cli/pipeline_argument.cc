#include "cli/pipeline_argument.h"

#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <iterator>

#include "cli/command.h"
#include "cli/verb_values.h"
#include "supervisor/manifest_metrics.h"
#include "supervisor/pipeline_text.h"
#include "supervisor/targets.h"
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

PipelineArgument::PipelineArgument(const VerbValues& values)
    : values_(values), catalogue_(stage_folders(), cache_folder(), system_files()) {
  if (values.has("parallelism")) parallelism_ = static_cast<std::uint32_t>(values.integer("parallelism"));
}

bool PipelineArgument::from_stdin() const { return values_.text("pipeline") == "-"; }

Result<std::vector<PipelineSpec>> PipelineArgument::read_manifest(const std::string& text, const std::string& file,
                                                                  const std::string& folder) {
  STREAM_ASSIGN(Overrides overrides, read_overrides(values_.list("parameter"), values_.list("set")));
  if (parallelism_ != 0) overrides.parallelism = parallelism_;
  if (!ignore_name_) overrides.name = name_.value_or(values_.text("name"));
  auto pipelines =
      load_manifest({text, file, folder}, {catalogue_, system_files(), process_environment(), overrides}, problems_);
  STREAM_TRY(problems_.status());
  return pipelines;
}

Result<std::vector<PipelineSpec>> PipelineArgument::read() {
  std::error_code error;
  const std::string here = std::filesystem::current_path(error).string();
  if (error) return system_error("find", "current folder", error.value());
  const std::string& argument = values_.text("pipeline");
  if (is_manifest_file(argument)) {
    const auto text = system_files().read_file(argument);
    if (!text.ok() && text.status().code() == Code::kNotFound) return usage_error(text.status().what());
    if (!text.ok()) return text.status();
    return read_manifest(*text, argument,
                         std::filesystem::absolute(argument).parent_path().lexically_normal().string());
  }
  std::string text = argument;
  if (from_stdin()) text.assign(std::istreambuf_iterator<char>(std::cin), {});
  if (from_stdin() && looks_like_manifest(text)) return read_manifest(text, "standard input", here);
  if (values_.has("parameter") || values_.has("set")) return usage_error("-p and --set need a manifest");
  PipelineSpec pipeline = parse_pipeline(text, name_.value_or(values_.text("name")), here, catalogue_, problems_);
  STREAM_TRY(problems_.status());
  for (StageSpec& stage : pipeline.stages) {
    if (parallelism_ != 0 && !stage.parallelism_given) stage.parallelism = parallelism_;
  }
  return std::vector<PipelineSpec>{std::move(pipeline)};
}

// Of pipelines that say nothing of reporters themselves.
Status PipelineArgument::take_metrics(std::vector<PipelineSpec>& pipelines) {
  const char* text = std::getenv("STREAM_METRICS");
  if (text == nullptr || *text == 0) return {};
  const std::vector<metrics::ReporterSpec> reporters = read_metrics_text(text, "STREAM_METRICS", problems_);
  STREAM_TRY(problems_.status());
  for (PipelineSpec& pipeline : pipelines) {
    if (pipeline.metrics.empty()) pipeline.metrics = reporters;
  }
  return {};
}

Result<std::vector<JobPlan>> PipelineArgument::plan() {
  STREAM_ASSIGN(std::vector<PipelineSpec> pipelines, read());
  STREAM_TRY(take_metrics(pipelines));
  std::vector<JobPlan> plans;
  ProcessAsker processes(cache_folder(), system_files());
  SamplingAsker asker(processes, input_);
  if (from_stdin()) input_.refuse(std::string(kHoldsPipeline));
  if (!before_planning_ && input_.terminal())
    input_.refuse("standard input is a terminal; pipe a sample of the data in");
  for (PipelineSpec& pipeline : pipelines) {
    if (edit_) STREAM_TRY(edit_(pipeline));
    if (before_planning_) STREAM_TRY(before_planning_(pipeline, input_));
    input_.evolve(pipeline.evolve);
    plans.push_back(make_plan(std::move(pipeline), catalogue_, asker, machine_limits(), problems_));
  }
  STREAM_TRY(problems_.status());
  for (const JobPlan& plan : plans) check_targets(plan, problems_);
  STREAM_TRY(problems_.status());
  return plans;
}

int PipelineArgument::fail(std::string_view verb, const Status& status) const {
  if (problems_.empty()) return stream::fail(verb, status);
  std::fprintf(stderr, "%s\n", problems_.text().c_str());
  return kUsageExit;
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
