#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/deploy.h"
#include "cli/verb.h"
#include "cli/verb_values.h"
#include "supervisor/kubernetes/definition.h"
#include "supervisor/kubernetes/yaml.h"
#include "supervisor/stage_folders.h"

namespace stream {
namespace {

int render(const VerbValues& values) {
  const kubernetes::ControllerDeployed deployed{.image = values.text("image"),
                                                .space = values.text("namespace"),
                                                .replicas = static_cast<std::uint32_t>(values.integer("replicas"))};
  if (const Status wrong = kubernetes::check(deployed); !wrong.ok()) return fail("controller", wrong);
  std::printf("# Made by 'stream controller --render': see stream-kubernetes(7).\n");
  for (const auto& object : kubernetes::controller_objects(deployed))
    std::printf("%s", kubernetes::yaml_of(object).c_str());
  return kDone;
}

// It becomes another program, which has what HTTP and TLS need.
int become_controller() {
  const auto self = this_program();
  if (!self.ok()) return fail("controller", self.status());
  const std::string program = std::filesystem::path(*self).parent_path().string() + "/" STREAM_CONTROLLER;
  ::execl(program.c_str(), program.c_str(), self->c_str(), nullptr);
  const int why = errno;
  const std::string package = why == ENOENT ? package_of("stream-controller") : "";
  if (package.empty()) return fail("controller", system_error("run", program, why));
  return fail("controller", failed("the controller is not installed; it is in the package '" + package + "'"));
}

int run(const VerbValues& values) {
  if (values.flag("render")) return render(values);
  for (const char* option : {"image", "namespace"}) {
    if (values.has(option)) return fail("controller", usage_error("--" + std::string(option) + " goes with --render"));
  }
  return become_controller();
}

constexpr VerbOption kOptions[] = {
    {.name = "render",
     .doc = "Print what a cluster needs for it, for kubectl apply, and end.",
     .kind = ValueKind::kFlag},
    {.name = "image", .arg = "IMAGE", .doc = "With --render: the image of the controller, one with these programs."},
    {.name = "namespace",
     .arg = "NAME",
     .doc = "With --render: the namespace that it runs in, and whose pipelines it looks after."},
    {.name = "replicas",
     .arg = "N",
     .doc = "With --render: how many controllers there are, of which one leads.",
     .kind = ValueKind::kInteger,
     .fallback = "1",
     .least = 1,
     .most = 9},
};

constexpr VerbExample kExamples[] = {
    {"stream controller --render --image registry.example/stream:1 --namespace pipelines",
     "Prints the definition of StreamPipelines, and a controller for those of a namespace."},
};

}  // namespace

const VerbTable kControllerVerb = {
    .description =
        "Looks after the StreamPipelines of a namespace of Kubernetes, from a Pod in it: makes the objects of their "
        "jobs, as 'stream deploy --on kubernetes' does, and changes them as the pipelines are changed. A job is "
        "stopped "
        "with a savepoint before another version of it runs; a manifest that is wrong is refused, and one whose job "
        "does not get ready is taken back. What there is, is said in the status of the pipeline: "
        "stream-kubernetes(7).\n\n"
        "With --render it prints the definition of the resource, and the Deployment, service account and rights of the "
        "controller. They need an administrator of the cluster for the definition, and for the rest one of the "
        "namespace.",
    .options = kOptions,
    .examples = kExamples,
    .no = "It runs in no Pod, may not do what it is for, or another controller leads in its place.",
    .run = run,
};

}  // namespace stream
