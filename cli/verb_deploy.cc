#include <algorithm>
#include <array>
#include <string>

#include "cli/command.h"
#include "cli/deploy.h"
#include "cli/pipeline_argument.h"
#include "cli/run_options.h"
#include "cli/verb.h"
#include "cli/verb_values.h"

namespace stream {
namespace {

constexpr std::array kTargets = {
    DeployTarget{"flink", "the pipeline becomes a script in Flink's SQL", deploy_on_flink},
    DeployTarget{"kubernetes", "the job is a Deployment of Kubernetes', in one Pod", deploy_on_kubernetes},
    DeployTarget{"slurm", "the job is a batch job of Slurm's, and its instances are steps", deploy_on_slurm},
    DeployTarget{"systemd", "the job is a service of systemd's", deploy_on_systemd},
    DeployTarget{"yarn", "the job is a service of YARN's, in one container", deploy_on_yarn},
};
// The same names, as a choice is written.
constexpr std::string_view kNames = "flink|kubernetes|slurm|systemd|yarn";

constexpr bool named_alike() {
  std::size_t at = 0;
  for (const DeployTarget& target : kTargets) {
    if (kNames.substr(at, target.name.size()) != target.name) return false;
    at += target.name.size() + 1;
  }
  return at == kNames.size() + 1;
}
static_assert(named_alike(), "--on offers the targets there are");

struct TargetOption {
  std::string_view option;
  std::string_view target;
};
constexpr TargetOption kOnlyFor[] = {{"gateway", "flink"},       {"sql-client", "flink"},
                                     {"image", "kubernetes"},    {"namespace", "kubernetes"},
                                     {"storage", "kubernetes"},  {"storage-class", "kubernetes"},
                                     {"cpus", "kubernetes"},     {"cpus", "yarn"},
                                     {"memory", "kubernetes"},   {"secret", "kubernetes"},
                                     {"replicas", "kubernetes"}, {"pod-template", "kubernetes"},
                                     {"yarn", "yarn"},           {"queue", "yarn"},
                                     {"archive", "yarn"},        {"fresh", "slurm"},
                                     {"fresh", "kubernetes"},    {"from", "kubernetes"},
                                     {"outputs", "kubernetes"},  {"tokens", "kubernetes"},
                                     {"isolate", "kubernetes"},  {"deployment", "kubernetes"},
                                     {"system", "systemd"},      {"run-as", "systemd"}};

bool is_for(std::string_view option, std::string_view target) {
  return std::ranges::any_of(kOnlyFor,
                             [&](const TargetOption& only) { return only.option == option && only.target == target; });
}

int run(const VerbValues& values) {
  const auto* target = std::ranges::find(kTargets, values.text("on"), &DeployTarget::name);
  for (const TargetOption& only : kOnlyFor) {
    if (values.has(only.option) && !is_for(only.option, target->name))
      return fail("deploy", usage_error("--" + std::string(only.option) + " is for --on " + std::string(only.target)));
  }
  return target->deploy(values);
}

constexpr auto kOptions = with_pipeline({
    VerbOption{.name = "on",
               .arg = "TARGET",
               .doc = "Where it shall run.",
               .kind = ValueKind::kChoice,
               .choices = kNames,
               .required = true},
    VerbOption{.name = "render", .doc = "Print what would be submitted, and submit nothing.", .kind = ValueKind::kFlag},
    VerbOption{
        .name = "gateway",
        .arg = "URL",
        .doc = "Flink: submit the script to the SQL gateway at this address, http://HOST:8083, and print the job's id.",
        .excludes = "render"},
    VerbOption{.name = "sql-client",
               .arg = "PATH",
               .doc = "Flink: give the script to this program, Flink's sql-client.sh; what it prints is printed.",
               .kind = ValueKind::kPath,
               .excludes = "render"},
    VerbOption{.name = "image", .arg = "IMAGE", .doc = "Kubernetes: the image, one with these programs in it."},
    VerbOption{.name = "namespace", .arg = "NAME", .doc = "Kubernetes: where; not given: the namespace kubectl uses."},
    VerbOption{.name = "storage",
               .arg = "SIZE",
               .doc = "Kubernetes: size of the volume for checkpoints and files, such as 10Gi; not given: 1Gi."},
    VerbOption{.name = "storage-class",
               .arg = "NAME",
               .doc = "Kubernetes: class of the volume; not given: the cluster's default."},
    VerbOption{.name = "cpus",
               .arg = "N",
               .doc = "Kubernetes: CPUs the Pod asks for, such as 2 or 500m. YARN: virtual cores of the container; not "
                      "given: as many as the widest stage has instances."},
    VerbOption{.name = "memory",
               .arg = "SIZE",
               .doc = "Kubernetes: memory the Pod asks for, and may use at most, such as 2Gi."},
    VerbOption{.name = "replicas",
               .arg = "N",
               .doc = "Kubernetes: supervisors that stand ready for the job, each in a Pod, of which one leads; not "
                      "given: one Pod, which is replaced when it is lost.",
               .kind = ValueKind::kInteger},
    VerbOption{.name = "pod-template",
               .arg = "FILE",
               .doc =
                   "Kubernetes: metadata and spec that are put over those of the Pods, in YAML: maps are merged, and "
                   "containers, volumes and variables by their names.",
               .kind = ValueKind::kPath},
    VerbOption{.name = "secret",
               .arg = "NAME",
               .doc = "Kubernetes: a Secret whose keys the stages have as env:KEY.",
               .repeated = true},
    VerbOption{.name = "fresh",
               .doc = "Slurm, Kubernetes: begin anew even if there is a checkpoint to go on from.",
               .kind = ValueKind::kFlag,
               .excludes = "from"},
    VerbOption{.name = "from",
               .arg = "PATH",
               .doc =
                   "Kubernetes: begin from this savepoint, a path on the volume or in object storage. As --fresh, it "
                   "holds once: a Pod that is started again goes on."},
    kOutputs,
    VerbOption{.name = "deployment",
               .arg = "WORD",
               .doc = "Kubernetes: with another word than before, a job that was stopped goes on, and one that has "
                      "finished begins anew, as with another manifest."},
    VerbOption{.name = "tokens",
               .arg = "FILE",
               .doc =
                   "Kubernetes: serve the job over HTTP at port 8081 of its Pods to who has a token of this file, as "
                   "with 'stream serve --tokens'; the network encrypts it, or nobody does.",
               .kind = ValueKind::kPath},
    VerbOption{.name = "isolate",
               .doc =
                   "Kubernetes: a NetworkPolicy that lets nobody connect to the Pods but each other, and who asks the "
                   "job with --tokens.",
               .kind = ValueKind::kFlag},
    VerbOption{.name = "system",
               .doc = "systemd: units of the system, in /etc/systemd/system, in place of the user's own.",
               .kind = ValueKind::kFlag},
    VerbOption{.name = "run-as",
               .arg = "USER",
               .doc = "systemd: with --system, who the job runs as; not given: who calls this."},
    VerbOption{.name = "yarn",
               .arg = "URL",
               .doc =
                   "YARN: submit the service to the ResourceManager at this address, http://HOST:8088, and print the "
                   "application's id.",
               .excludes = "render"},
    VerbOption{.name = "archive",
               .arg = "URI",
               .doc = "YARN: a .tar.gz of the folder that these programs are installed in, such as "
                      "hdfs:///apps/stream.tar.gz, which the container gets; not given: they are on every node where "
                      "they are here."},
    VerbOption{.name = "queue", .arg = "NAME", .doc = "YARN: the queue; not given: the cluster's default."},
    json_option(
        "Print what has been submitted as JSON, a line a pipeline; on kubernetes with --render a line an object."),
});

constexpr VerbExample kExamples[] = {
    {"stream deploy \"generate 'n, n % 3 as k' --rows 9 | aggregate --by k 'count(*) as n' | print\" --on flink "
     "--render",
     "Prints a pipeline as a script in Flink's SQL."},
    {"stream deploy manifests/errors-per-minute.yaml --on flink --sql-client sql-client.sh",
     "Gives a manifest to Flink's own program, which starts it where that is configured."},
    {"stream deploy manifests/heartbeat.yaml --on kubernetes --image registry.example/stream:1 --render",
     "Prints the objects of a job for kubectl apply."},
    {"stream deploy manifests/heartbeat.yaml --on slurm --set checkpoint.path=/shared/checkpoints --set slurm.nodes=2 "
     "--render",
     "Prints a job as a batch script for Slurm."},
    {"stream deploy manifests/heartbeat.yaml --on systemd --render", "Prints the units of a job for systemd."},
    {"stream deploy manifests/heartbeat.yaml --on yarn --set checkpoint.path=/shared/checkpoints --render",
     "Prints a job as a service for YARN."},
};

}  // namespace

const VerbTable kDeployVerb = {
    .description =
        "Brings a pipeline to what somebody else runs, for when one machine is not enough.\n\n"
        "On flink the manifest is compiled to a script in Flink's SQL: a table for each source and sink, a view for "
        "each stage, and one statement that fills all sinks. Expressions are translated function by function. What has "
        "no exact counterpart is refused by name, all of it at once and before anything is printed or submitted. "
        "stream-flink(7) lists what is translated, and what differs.\n\n"
        "On kubernetes the job becomes a Deployment of one Pod, with a volume for what it keeps. It is replaced where "
        "it is lost, and stops with a checkpoint; with --replicas others stand ready to take over: "
        "stream-kubernetes(7).\n\n"
        "On slurm the job becomes a batch script that is given to sbatch: the supervisor is its first process, and on "
        "each node of the allocation a step of its runs the instances. It outlives lost nodes, is requeued, and stops "
        "with a savepoint before its time limit: stream-slurm(7).\n\n"
        "On systemd the job becomes a service, with a slice for its processes. It is started at once and with the "
        "system, watched, and stopped with a savepoint: stream-systemd(7).\n\n"
        "On yarn the job becomes a service with one container, in which the supervisor and all instances run. It "
        "starts again wherever there is room, from its newest checkpoint: stream-yarn(7).",
    .options = kOptions,
    .examples = kExamples,
    .no = "What the pipeline is brought to refuses it, or is not there.",
    .run = run,
};

}  // namespace stream
