#include "cli/pipeline_argument.h"

#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <iterator>

#include "cli/command.h"
#include "cli/commanded.h"
#include "cli/verb_values.h"
#include "supervisor/http/submission.h"
#include "supervisor/manifest_log.h"
#include "supervisor/manifest_metrics.h"
#include "supervisor/pipeline_text.h"
#include "supervisor/slurm/nodes.h"
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

Result<Overrides> PipelineArgument::overrides_given() const {
  std::vector<std::string> settings = values_.list("set");
  settings.insert(settings.end(), settings_.begin(), settings_.end());
  STREAM_ASSIGN(Overrides overrides, read_overrides(values_.list("parameter"), settings));
  if (parallelism_ != 0) overrides.parallelism = parallelism_;
  if (!ignore_name_) overrides.name = name_.value_or(values_.text("name"));
  return overrides;
}

Result<std::vector<PipelineSpec>> PipelineArgument::read_manifest(const std::string& text, const std::string& file,
                                                                  const std::string& folder) {
  STREAM_ASSIGN(const Overrides overrides, overrides_given());
  auto pipelines =
      load_manifest({text, file, folder}, {catalogue_, system_files(), process_environment(), overrides}, problems_);
  STREAM_TRY(problems_.status());
  return pipelines;
}

// What somebody else has sent: its files are theirs, what it names is this machine's.
Result<std::vector<PipelineSpec>> PipelineArgument::read_sent(const Commanded& from) {
  const std::string& argument = values_.text("pipeline");
  const std::string* sent = from.file(argument);
  if (is_manifest_file(argument) && sent == nullptr) return usage_error(system_error("open", argument, ENOENT).what());
  if (from_stdin() && sent == nullptr) return usage_error("standard input was not sent along");
  const std::string& text = sent == nullptr ? argument : *sent;
  const bool manifest = is_manifest_file(argument) || (from_stdin() && looks_like_manifest(text));
  if (!manifest) return read_text(text, from.folder());
  SentFiles files(from);
  STREAM_ASSIGN(const Overrides overrides, overrides_given());
  const Environment none = [](const std::string&) { return std::optional<std::string>(); };
  auto pipelines = load_manifest({text, from_stdin() ? "standard input" : argument, from.folder()},
                                 {catalogue_, files, none, overrides}, problems_);
  STREAM_TRY(problems_.status());
  return pipelines;
}

Result<std::vector<PipelineSpec>> PipelineArgument::read() {
  const Commanded* from = commanded();
  if (from == nullptr) return read_own();
  input_.refuse(std::string(kNotSent));
  auto pipelines = read_sent(*from);
  if (!pipelines.ok()) return pipelines;
  for (const PipelineSpec& pipeline : *pipelines) http::inspect(pipeline, from->permissions, catalogue_, problems_);
  STREAM_TRY(problems_.status());
  return pipelines;
}

Result<std::vector<PipelineSpec>> PipelineArgument::read_own() {
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
  return read_text(text, here);
}

Result<std::vector<PipelineSpec>> PipelineArgument::read_text(const std::string& text, const std::string& folder) {
  if (values_.has("parameter") || values_.has("set")) return usage_error("-p and --set need a manifest");
  PipelineSpec pipeline = parse_pipeline(text, name_.value_or(values_.text("name")), folder, catalogue_, problems_);
  STREAM_TRY(problems_.status());
  for (StageSpec& stage : pipeline.stages) {
    if (parallelism_ != 0 && !stage.parallelism_given) stage.parallelism = parallelism_;
  }
  return std::vector<PipelineSpec>{std::move(pipeline)};
}

// Who only looks at a manifest need not be in the allocation.
Status PipelineArgument::take_nodes(std::vector<PipelineSpec>& pipelines) {
  for (PipelineSpec& pipeline : pipelines) {
    if (!pipeline.slurm_nodes) continue;
    if (slurm::in_allocation()) {
      STREAM_ASSIGN(pipeline.hosts, slurm::allocated_hosts(pipeline));
    } else if (before_planning_) {
      return failed(
          "'hosts: slurm' are the nodes of an allocation, and this is none: submit the manifest with "
          "'stream deploy --on slurm', or run it under salloc");
    }
  }
  return {};
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

// What the option says, or of pipelines that say nothing of it themselves the environment.
Status PipelineArgument::take_log_to(std::vector<PipelineSpec>& pipelines) {
  const char* text = std::getenv("STREAM_LOG_TO");
  const bool option = values_.has("log-to");
  const std::string words = option ? values_.text("log-to") : std::string(text == nullptr ? "" : text);
  if (words.empty()) return {};
  const std::vector<LogSinkSpec> sinks = read_log_to_text(words, option ? "--log-to" : "STREAM_LOG_TO", problems_);
  STREAM_TRY(problems_.status());
  for (PipelineSpec& pipeline : pipelines) {
    if (option || pipeline.log_to.empty()) pipeline.log_to = sinks;
  }
  return {};
}

Result<std::vector<JobPlan>> PipelineArgument::plan() {
  STREAM_ASSIGN(std::vector<PipelineSpec> pipelines, read());
  STREAM_TRY(take_nodes(pipelines));
  STREAM_TRY(take_metrics(pipelines));
  STREAM_TRY(take_log_to(pipelines));
  std::vector<JobPlan> plans;
  ProcessAsker processes(cache_folder(), system_files());
  SamplingAsker asker(processes, input_);
  if (from_stdin()) input_.refuse(std::string(kHoldsPipeline));
  if (!before_planning_ && commanded() == nullptr && input_.terminal())
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
