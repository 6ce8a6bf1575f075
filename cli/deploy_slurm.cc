// `stream deploy --on slurm`: the batch script is printed, or given to sbatch.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/deploy.h"
#include "cli/pipeline_argument.h"
#include "storage/place.h"
#include "supervisor/job_paths.h"
#include "supervisor/slurm/script.h"
#include "supervisor/tool.h"
#include "transport/base/text.h"

namespace stream {
namespace {

constexpr std::string_view kLease = "?lease=10s";  // Slurm itself is not faster

slurm::Batch batch_of(const VerbValues& values, const JobPlan& plan, std::string program) {
  const PipelineSpec& pipeline = plan.pipeline;
  slurm::Batch batch{.job = pipeline.name, .asked = pipeline.slurm, .program = std::move(program)};
  batch.instances = 0;
  for (std::size_t i = 0; i < plan.stages.size(); ++i) {
    const InstanceBounds& bounds = pipeline.stages[i].bounds;
    batch.instances += bounds.given() ? bounds.least : plan.stages[i].parallelism;
    batch.instances_more += bounds.most - bounds.least;
    batch.memory_bytes = std::max(batch.memory_bytes, pipeline.stages[i].memory_bytes & ~std::uint64_t{1});
  }
  batch.run = run_words(values, pipeline.name);
  const std::string home = stream_home();
  batch.run.insert(batch.run.end(), {"--set", "hosts=slurm"});
  if (pipeline.slurm.folder.empty()) batch.run.insert(batch.run.end(), {"--set", "slurm.folder=" + home + "/.agents"});
  const std::string& kept = pipeline.checkpoint.path;
  batch.leaders_at_home = is_object_url(kept);
  batch.leaders = (batch.leaders_at_home ? home : kept) + "/.ha";
  batch.run.insert(batch.run.end(), {"--ha", "file://" + batch.leaders + std::string(kLease), "--log-to", "stderr"});
  batch.fresh = values.flag("fresh");
  batch.home = home + "/.slurm";
  batch.output = slurm::batch_name(pipeline.name) + "-%j.out";
  return batch;
}

int submit(const VerbValues& values, const slurm::Batch& batch) {
  const auto told = run_tool("sbatch", {"--parsable"}, slurm::script(batch));
  if (!told.ok()) return fail("deploy", Status(told.status()).while_doing("pipeline '" + batch.job + "'"));
  const std::string text(trim(*told));  // "5", or "5;cluster"
  const std::string number = text.substr(0, text.find(';'));
  if (values.flag("json")) {
    const nlohmann::ordered_json line = {{"pipeline", batch.job}, {"target", "slurm"}, {"job", number}, {"watch", ""}};
    std::printf("%s\n", line.dump().c_str());
    return kDone;
  }
  std::printf("%s\n", number.c_str());
  std::fprintf(stderr, "%s: see it with 'squeue --job %s', and what it says in %s-%s.out\n", batch.job.c_str(),
               number.c_str(), slurm::batch_name(batch.job).c_str(), number.c_str());
  return kDone;
}

}  // namespace

int deploy_on_slurm(const VerbValues& values) {
  PipelineArgument pipeline(values);
  if (Status manifest = check_manifest(values, "slurm"); !manifest.ok()) return fail("deploy", manifest);
  pipeline.set("hosts=slurm");
  const auto plans = pipeline.plan();
  if (!plans.ok()) return pipeline.fail("deploy", plans.status());
  const auto program = this_program();
  if (!program.ok()) return fail("deploy", program.status());
  int worst = kDone;
  for (const JobPlan& plan : *plans) {
    const slurm::Batch batch = batch_of(values, plan, *program);
    if (values.flag("render"))
      std::printf("%s%s", &plan == plans->data() ? "" : "\n", slurm::script(batch).c_str());
    else
      worst = std::max(worst, submit(values, batch));
  }
  return worst;
}

}  // namespace stream
