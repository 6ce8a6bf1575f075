#include "cli/output_owners.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "supervisor/job_client.h"
#include "supervisor/job_paths.h"

namespace stream {
namespace {

using nlohmann::ordered_json;

bool same(const AnsweredTarget& a, const AnsweredTarget& b) { return a.path == b.path && a.part == b.part; }

// What both write, in words; "" if there is nothing.
std::string shared(const JobPlan& ours, std::size_t at, const JobPlan& theirs) {
  const StageSpec& spec = ours.pipeline.stages[at];
  const StageAnswer& answer = ours.stages[at].answer;
  if (answer.goes_back.empty()) return "";
  for (std::size_t i = 0; i < theirs.stages.size(); ++i) {
    const StageAnswer& other = theirs.stages[i].answer;
    for (const AnsweredTarget& target : answer.writes) {
      if (std::ranges::any_of(other.writes, [&](const AnsweredTarget& each) { return same(target, each); }))
        return "'" + target.path + "'" + (target.part.empty() ? "" : ", " + target.part);
    }
    const StageSpec& their_spec = theirs.pipeline.stages[i];
    if (answer.writes.empty() && spec.run == their_spec.run && spec.options == their_spec.options)
      return "where '" + their_spec.name + "' does";
  }
  return "";
}

bool over(const JobPaths& job) {
  const auto summary = job_summary(job);
  const std::string state = summary.ok() ? summary->value("state", "") : "CANCELLED";
  return state == "FINISHED" || state == "CANCELLED";
}

std::string beside(const std::string& path, const std::string& word) {
  const bool folder = path.ends_with('/');
  const std::filesystem::path plain = folder ? path.substr(0, path.size() - 1) : path;
  const std::filesystem::path name = plain.stem().string() + "." + word + plain.extension().string();
  return (plain.parent_path() / name).string() + (folder ? "/" : "");
}

}  // namespace

Status check_not_of(const std::string& origin, const JobPlan& plan) {
  const std::vector<std::string> jobs = list_jobs();
  if (origin == plan.pipeline.name || std::ranges::find(jobs, origin) == jobs.end()) return {};
  const JobPaths job = job_paths(origin);
  if (over(job)) return {};
  STREAM_ASSIGN(const JobPlan theirs, plan_of_job(job));
  for (std::size_t i = 0; i < plan.stages.size(); ++i) {
    const std::string both = shared(plan, i, theirs);
    if (both.empty()) continue;
    return failed("stage '" + plan.pipeline.stages[i].name + "' would write to " + both +
                  ", which is written by job '" + origin +
                  "', that the savepoint is of; write elsewhere with --outputs beside or --set stages." +
                  plan.pipeline.stages[i].name + "…, or give that job up with 'stream cancel " + origin + "'");
  }
  return {};
}

Status write_beside(const JobPlan& planned, const std::string& word, PipelineSpec& pipeline) {
  for (std::size_t i = 0; i < planned.stages.size(); ++i) {
    const StageAnswer& answer = planned.stages[i].answer;
    const std::string& name = planned.pipeline.stages[i].name;
    if (answer.goes_back.empty()) continue;
    const auto stage = std::ranges::find(pipeline.stages, name, &StageSpec::name);
    if (answer.writes.empty() || stage == pipeline.stages.end()) {
      return usage_error("stage '" + name + "' (" + planned.pipeline.stages[i].run +
                         ") writes no files to write beside; say where it writes with --set stages." + name +
                         "…, and leave --outputs out");
    }
    ordered_json options = ordered_json::parse(stage->options);
    for (const AnsweredTarget& target : answer.writes) {
      const std::string path = options.value(target.option, target.path);
      options[target.option] = beside(path, word);
    }
    stage->options = options.dump();
  }
  return {};
}

}  // namespace stream
