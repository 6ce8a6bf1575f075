// `stream deploy --on yarn`: the service is printed, or given to YARN's ResourceManager.
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/deploy.h"
#include "cli/pipeline_argument.h"
#include "cli/remote.h"
#include "cli/yarn_services.h"
#include "supervisor/plan_hosts.h"
#include "supervisor/yarn/service.h"

namespace stream {
namespace {

constexpr std::uint64_t kSupervisorBytes = 256U << 20;
constexpr std::string_view kLease = "?lease=10s";  // YARN itself is not faster

// Who YARN is told that asks, as Hadoop's own programs do where there is no Kerberos.
Result<std::string> user_name() {
  if (const char* const name = std::getenv("HADOOP_USER_NAME"); name != nullptr && *name != 0) return std::string(name);
  const passwd* const user = ::getpwuid(::getuid());
  if (user == nullptr) return failed("unable to find the name of user " + std::to_string(::getuid()));
  return std::string(user->pw_name);
}

Status check_placed(const PipelineSpec& pipeline) {
  if (has_far_hosts(pipeline) || pipeline.slurm_nodes)
    return usage_error("pipeline '" + pipeline.name +
                       "' names 'hosts', and on YARN all its instances run in the container of their supervisor; leave "
                       "'hosts' out");
  const std::string& path = pipeline.checkpoint.path;
  if (path.empty() || path.find("://") != std::string::npos)
    return usage_error(
        "pipeline '" + pipeline.name +
        "': on YARN 'checkpoint' needs a 'path', a folder that all nodes have: its next container may be "
        "on another node");
  return {};
}

std::uint64_t memory_of(const JobPlan& plan) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < plan.stages.size(); ++i)
    sum += plan.stages[i].parallelism * (plan.pipeline.stages[i].memory_bytes & ~std::uint64_t{1});
  return (plan.pipeline.memory_bytes != 0 ? plan.pipeline.memory_bytes : sum) + kSupervisorBytes;
}

Result<std::uint32_t> cpus_of(const VerbValues& values, const JobPlan& plan) {
  std::uint32_t cpus = 0;
  if (!values.has("cpus")) {
    for (const PlannedStage& stage : plan.stages) cpus = std::max(cpus, stage.parallelism);
    return cpus;
  }
  const std::string& text = values.text("cpus");
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), cpus);
  if (error != std::errc() || end != text.data() + text.size() || cpus == 0)
    return usage_error("--cpus: '" + text + "' is not a number of YARN's virtual cores, such as 2");
  return cpus;
}

Result<yarn::Deployed> deployed_of(const VerbValues& values, const JobPlan& plan) {
  STREAM_TRY(check_placed(plan.pipeline));
  yarn::Deployed deployed{.job = plan.pipeline.name};
  STREAM_ASSIGN(deployed.cpus, cpus_of(values, plan));
  deployed.memory_bytes = memory_of(plan);
  if (values.has("queue")) deployed.queue = values.text("queue");
  if (values.has("archive")) {
    deployed.archive = values.text("archive");
    deployed.program = "bin/stream";  // as it is installed
  } else {
    STREAM_ASSIGN(deployed.program, this_program());
  }
  deployed.leaders = plan.pipeline.checkpoint.path + "/.ha";
  deployed.run = run_words(values, deployed.job);
  deployed.run.insert(deployed.run.end(), {"--ha", "file://" + deployed.leaders + std::string(kLease)});
  if (plan.pipeline.log_to.empty()) deployed.run.insert(deployed.run.end(), {"--log-to", "stderr"});
  std::error_code error;
  deployed.folder = std::filesystem::current_path(error).string();
  if (error) return system_error("find", "current folder", error.value());
  STREAM_TRY(yarn::check(deployed));
  return deployed;
}

void say_submitted(const VerbValues& values, const std::string& job, const std::string& id, const std::string& watch) {
  if (values.flag("json")) {
    const nlohmann::ordered_json line = {{"pipeline", job}, {"target", "yarn"}, {"job", id}, {"watch", watch}};
    std::printf("%s\n", line.dump().c_str());
    return;
  }
  std::printf("%s\n", id.c_str());
  std::fprintf(stderr, "%s: watch it at %s, and see what it says with 'yarn logs -applicationId %s'\n", job.c_str(),
               watch.c_str(), id.c_str());
}

int submit(const VerbValues& values, const std::vector<yarn::Deployed>& all) {
  std::string url = values.text("yarn");
  while (url.ends_with('/')) url.pop_back();
  if (Status status = check_url(url); !status.ok())
    return fail("deploy", std::move(status).while_doing("option '--yarn'"));
  const auto user = user_name();
  if (!user.ok()) return fail("deploy", user.status());
  const auto ask = load_remote();
  if (!ask.ok()) return fail("deploy", ask.status());
  for (const yarn::Deployed& deployed : all) {
    const auto id = YarnServices(*ask, url, *user).replace(yarn::service_name(deployed.job), yarn::service(deployed));
    if (!id.ok()) return fail("deploy", Status(id.status()).while_doing("pipeline '" + deployed.job + "'"));
    say_submitted(values, deployed.job, *id, url + "/cluster/app/" + *id);
  }
  return kDone;
}

}  // namespace

int deploy_on_yarn(const VerbValues& values) {
  if (values.flag("render") == values.has("yarn"))
    return fail("deploy", usage_error("say where the service goes: --render prints it, --yarn URL submits it"));
  PipelineArgument pipeline(values);
  if (Status manifest = check_manifest(values, "yarn"); !manifest.ok()) return fail("deploy", manifest);
  const auto plans = pipeline.plan();
  if (!plans.ok()) return pipeline.fail("deploy", plans.status());
  std::vector<yarn::Deployed> all;
  for (const JobPlan& plan : *plans) {
    auto deployed = deployed_of(values, plan);
    if (!deployed.ok()) return fail("deploy", deployed.status());
    all.push_back(*std::move(deployed));
  }
  if (!values.flag("render")) return submit(values, all);
  for (const yarn::Deployed& deployed : all) std::printf("%s", yarn::service(deployed).c_str());
  return kDone;
}

}  // namespace stream
