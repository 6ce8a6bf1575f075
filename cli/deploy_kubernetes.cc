// `stream deploy --on kubernetes`: the objects are printed, or given to kubectl.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/deploy.h"
#include "cli/pipeline_argument.h"
#include "cli/yaml_file.h"
#include "supervisor/http/tokens.h"
#include "supervisor/kubernetes/objects.h"
#include "supervisor/plan_hosts.h"
#include "supervisor/tool.h"
#include "transport/base/files.h"

namespace stream {
namespace {

constexpr std::uint32_t kMost = 9;

// Pods have the manifest alone, and reach no other hosts.
Status check_alone(const PipelineSpec& pipeline) {
  const bool others = std::ranges::any_of(pipeline.hosts, [](const HostSpec& host) { return !host.pod; });
  if (others || pipeline.slurm_nodes)
    return usage_error("pipeline '" + pipeline.name +
                       "' names 'hosts' that are no Pods; write 'via: pod' for each, or leave 'hosts' out: then all "
                       "instances run in the Pod of their supervisor");
  for (const StageSpec& stage : pipeline.stages) {
    if (!stage.folder.empty() && stage.folder != pipeline.folder)
      return usage_error("stage '" + stage.name +
                         "' is in a manifest of its own, and the Pod is given one: write it into this one");
  }
  return {};
}

std::string given(const VerbValues& values, const char* option) {
  return values.has(option) ? values.text(option) : std::string();
}

// The Pod compares it with what its job says it goes on from.
Result<std::string> savepoint_of(const VerbValues& values) {
  const std::string from = given(values, "from");
  if (from.empty() || from.find("://") != std::string::npos) return from;
  const std::filesystem::path path = std::filesystem::path(from).lexically_normal();
  if (!path.is_absolute())
    return usage_error("--from: '" + from + "' is no absolute path on the volume, and no s3:// URL");
  return path.has_filename() ? path.string() : path.parent_path().string();
}

Result<kubernetes::Deployed> deployed_of(const VerbValues& values, const JobPlan& plan) {
  STREAM_TRY(check_alone(plan.pipeline));
  kubernetes::Deployed deployed{.job = plan.pipeline.name, .image = given(values, "image")};
  const std::filesystem::path path(values.text("pipeline"));
  STREAM_ASSIGN(deployed.manifest, system_files().read_file(path.string()));
  deployed.file = "manifest" + path.extension().string();
  const std::vector<std::string> words = run_words(values, deployed.job);
  deployed.run.assign(words.begin() + 2, words.end());  // "run" and the path of the manifest here
  if (plan.pipeline.log_to.empty()) deployed.run.insert(deployed.run.end(), {"--log-to", "stderr"});
  deployed.space = given(values, "namespace");
  if (values.has("storage")) deployed.storage = values.text("storage");
  deployed.storage_class = given(values, "storage-class");
  deployed.cpus = given(values, "cpus");
  deployed.memory = given(values, "memory");
  deployed.secrets = values.list("secret");
  deployed.isolated = values.flag("isolate");
  for (const HostSpec& host : plan.pipeline.hosts) deployed.hosts.push_back(host.name);
  deployed.checkpoints = plan.pipeline.checkpoint.path;
  if (values.has("replicas")) {
    deployed.replicas = static_cast<std::uint32_t>(std::clamp<std::int64_t>(values.integer("replicas"), 0, kMost + 1));
    if (deployed.replicas == 0 || deployed.replicas > kMost)
      return usage_error("--replicas: '" + values.text("replicas") + "' is not a number of supervisors from 1 to 9");
  }
  if (values.has("pod-template")) { STREAM_ASSIGN(deployed.pod_template, read_yaml(values.text("pod-template"))); }
  if (values.flag("fresh")) deployed.first = "--fresh";
  STREAM_ASSIGN(deployed.from, savepoint_of(values));
  if (values.has("outputs") && deployed.from.empty()) return usage_error("--outputs goes with --from");
  if (values.has("outputs")) deployed.first = "--outputs=" + values.text("outputs");
  if (values.has("tokens")) {
    STREAM_ASSIGN(deployed.tokens, system_files().read_file(values.text("tokens")));
    STREAM_TRY(http::parse_tokens(deployed.tokens, values.text("tokens")).status());
  }
  nlohmann::json told = {deployed.manifest, deployed.run};
  if (!(deployed.from + deployed.first).empty() || values.has("deployment"))
    told.push_back({deployed.from, deployed.first, given(values, "deployment")});
  deployed.digest = http::sha256_of(told.dump());
  STREAM_TRY(kubernetes::check(deployed));
  return deployed;
}

void print(const kubernetes::Deployed& deployed, bool as_json) {
  if (!as_json) {
    std::printf("%s", kubernetes::objects(deployed).c_str());
    return;
  }
  for (const nlohmann::ordered_json& object : kubernetes::object_list(deployed))
    std::printf("%s\n", object.dump().c_str());
}

int submit(const VerbValues& values, const kubernetes::Deployed& deployed) {
  const auto told = run_tool("kubectl", {"apply", "-f", "-"}, kubernetes::objects(deployed));
  if (!told.ok()) return fail("deploy", Status(told.status()).while_doing("pipeline '" + deployed.job + "'"));
  const std::string name = "deployment/" + kubernetes::object_name(deployed.job);
  if (values.flag("json")) {
    const nlohmann::ordered_json line = {
        {"pipeline", deployed.job}, {"target", "kubernetes"}, {"job", name}, {"watch", ""}};
    std::printf("%s\n", line.dump().c_str());
    return kDone;
  }
  std::printf("%s\n", name.c_str());
  const std::string in = deployed.space.empty() ? "" : " -n " + deployed.space;
  std::fprintf(stderr, "%s: see it with 'kubectl%s get %s', and what it says with 'kubectl%s logs %s'\n",
               deployed.job.c_str(), in.c_str(), name.c_str(), in.c_str(), name.c_str());
  return kDone;
}

}  // namespace

int deploy_on_kubernetes(const VerbValues& values) {
  PipelineArgument pipeline(values);
  if (Status manifest = check_manifest(values, "kubernetes"); !manifest.ok()) return fail("deploy", manifest);
  const auto plans = pipeline.plan();
  if (!plans.ok()) return pipeline.fail("deploy", plans.status());
  std::vector<kubernetes::Deployed> all;
  for (const JobPlan& plan : *plans) {
    auto deployed = deployed_of(values, plan);
    if (!deployed.ok()) return fail("deploy", deployed.status());
    all.push_back(*std::move(deployed));
  }
  for (const kubernetes::Deployed& deployed : all) {
    if (values.flag("render"))
      print(deployed, values.flag("json"));
    else if (const int code = submit(values, deployed); code != kDone)
      return code;
  }
  return kDone;
}

}  // namespace stream
