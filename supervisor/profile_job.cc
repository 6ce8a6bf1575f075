#include "supervisor/profile_job.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "supervisor/job_client.h"
#include "supervisor/stage_process.h"
#include "transport/base/json_fields.h"
#include "transport/base/text.h"

namespace stream {
namespace {

using nlohmann::json;

constexpr Microseconds kPatience = 30'000'000;  // beyond the time of sampling: symbols are read, stacks unwound

Status check_stage(const JobPaths& job, const std::string& stage) {
  STREAM_ASSIGN(const std::vector<std::string> stages, stages_of_job(job));
  if (std::ranges::find(stages, stage) != stages.end()) return {};
  return usage_error("job '" + job.job + "' has no stage '" + stage + "'" + did_you_mean(stage, stages) + "; it has " +
                     join(stages, ", "));
}

Result<std::vector<profile::Target>> targets_of(const JobPaths& job, const ProfileWish& wish) {
  STREAM_ASSIGN(const json stats, ask_job(job, {{"verb", "stats"}}, kQuickAnswer));
  std::vector<profile::Target> targets;
  std::uint64_t instances = 0;
  for (const json& instance : list_at(stats, "instances")) {
    if (text_at(instance, "stage") != wish.stage) continue;
    ++instances;
    if (flag_at(instance, "far"))
      return failed("stage '" + wish.stage + "' runs on host '" + text_at(instance, "host") +
                    "': only processes of this host can be profiled");
    const std::uint64_t number = count_at(instance, "instance");
    const auto pid = instance.value("pid", pid_t{0});
    if (pid > 0 && (!wish.instance || *wish.instance == number))
      targets.push_back({pid, wish.stage + "." + std::to_string(number)});
  }
  if (!targets.empty()) return targets;
  if (wish.instance && *wish.instance >= instances && instances > 0)
    return usage_error("stage '" + wish.stage + "' has no instance " + std::to_string(*wish.instance) + "; it has " +
                       std::to_string(instances) + ", from 0");
  return failed("no instance of stage '" + wish.stage + "' runs at the moment");
}

// What is printed until the end of the program, or of the patience with it.
Result<Profile> read_profile(StageProcess& profiler, Microseconds duration) {
  const Microseconds until = system_clock().monotonic_us() + duration + kPatience;
  Profile profile;
  bool whole = false;
  for (;;) {
    for (const std::string& line : profiler.read_lines()) {
      if (line.starts_with(profile::kFatal)) return failed(line.substr(profile::kFatal.size()));
      if (line.starts_with(profile::kSummary)) {
        STREAM_ASSIGN(profile.summary, profile::summary_from_json(line.substr(profile::kSummary.size())));
        whole = true;
      } else {
        profile.tree.add_folded(line);
      }
    }
    if (whole) return profile;
    if (profiler.output() < 0) return failed("the profiler has ended without a result");
    const Microseconds left = until - system_clock().monotonic_us();
    if (left <= 0) return failed("the profiler does not come to an end");
    pollfd ready{profiler.output(), POLLIN, 0};
    ::poll(&ready, 1, static_cast<int>(left / 1000 + 1));
  }
}

}  // namespace

Result<Profile> profile_job(const JobPaths& job, const ProfileWish& wish, const std::string& profiler) {
  if (!JobLock::runs(job)) return failed("job '" + job.job + "' does not run");
  STREAM_TRY(check_stage(job, wish.stage));
  STREAM_ASSIGN(std::vector<profile::Target> targets, targets_of(job, wish));
  STREAM_TRY(ask_job(job, {{"verb", "traced"}, {"stage", wish.stage}, {"by", ::getpid()}}, kQuickAnswer).status());
  const std::size_t instances = targets.size();
  const profile::Settings settings{std::move(targets), wish.duration, wish.rate, wish.states};
  STREAM_ASSIGN(StageProcess process, StageProcess::start({profiler, profile::to_json(settings)}, -1));
  STREAM_ASSIGN(Profile profile, read_profile(process, wish.duration));
  profile.instances = instances;
  return profile;
}

}  // namespace stream
