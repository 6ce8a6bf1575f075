// `stream deploy --on systemd`: the units are printed, or written where systemd finds them, and started.
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/deploy.h"
#include "cli/pipeline_argument.h"
#include "supervisor/systemd/unit.h"
#include "supervisor/tool.h"
#include "transport/base/files.h"

namespace stream {
namespace {

constexpr Microseconds kRestartPatience = 3'600'000'000;  // systemd itself waits no longer than its units say

Result<std::string> user_name() {
  const passwd* const user = ::getpwuid(::getuid());
  if (user == nullptr) return failed("unable to find the name of user " + std::to_string(::getuid()));
  return std::string(user->pw_name);
}

// As systemd.unit(5) has them for what an administrator or a user writes.
Result<std::string> unit_folder(bool of_system) {
  if (of_system) return std::string("/etc/systemd/system");
  const char* const config = std::getenv("XDG_CONFIG_HOME");
  if (config != nullptr && *config == '/') return std::string(config) + "/systemd/user";
  const char* const home = std::getenv("HOME");
  if (home == nullptr || *home != '/') return usage_error("HOME is not set: where are the units of this user?");
  return std::string(home) + "/.config/systemd/user";
}

Result<systemd::Service> service_of(const VerbValues& values, const JobPlan& plan) {
  systemd::Service service;
  service.job = plan.pipeline.name;
  STREAM_ASSIGN(service.program, this_program());
  service.run = run_words(values, service.job);
  if (plan.pipeline.log_to.empty()) service.run.insert(service.run.end(), {"--log-to", "journald"});
  std::error_code error;
  service.folder = std::filesystem::current_path(error).string();
  if (error) return system_error("find", "current folder", error.value());
  if (values.flag("system")) {
    STREAM_ASSIGN(const std::string own, user_name());
    service.user = values.has("run-as") ? values.text("run-as") : own;
    if (service.user != own) return service;  // who has folders of its own
  }
  for (const char* name : {"STREAM_HOME", "STREAM_STAGE_PATH", "XDG_STATE_HOME"}) {
    if (const char* const is = std::getenv(name); is != nullptr && *is != 0) service.environment.emplace_back(name, is);
  }
  return service;
}

// Replaces the whole file: systemd may read it at any time.
Status write_unit(const std::string& folder, const systemd::Unit& unit) {
  const std::string path = folder + "/" + unit.name;
  const std::string next = path + ".new";
  STREAM_TRY(system_files().write_file(next, unit.text));
  return system_files().rename(next, path);
}

Status install(const std::string& folder, const systemd::Service& service, bool of_system) {
  STREAM_TRY(system_files().make_dir(folder));
  for (const systemd::Unit& unit : systemd::units(service)) STREAM_TRY(write_unit(folder, unit));
  const std::string whose = of_system ? "--system" : "--user";
  const std::string name = systemd::service_name(service.job);
  STREAM_TRY(run_tool("systemctl", {whose, "daemon-reload"}).status());
  STREAM_TRY(run_tool("systemctl", {whose, "enable", "--quiet", name}).status());
  // Returns when the job runs; one that runs already stops with a savepoint, and goes on as it is written now.
  return run_tool("systemctl", {whose, "restart", name}, {}, kRestartPatience).status();
}

void say_installed(const VerbValues& values, const systemd::Service& service, const std::string& folder) {
  const bool of_system = values.flag("system");
  const std::string name = systemd::service_name(service.job);
  if (values.flag("json")) {
    const nlohmann::ordered_json line = {
        {"pipeline", service.job}, {"target", "systemd"}, {"job", name}, {"watch", ""}};
    std::printf("%s\n", line.dump().c_str());
    return;
  }
  std::printf("%s\n", name.c_str());
  const char* const whose = of_system ? "" : " --user";
  std::fprintf(stderr, "%s: runs; its units are in '%s', see it with 'systemctl%s status %s'\n", service.job.c_str(),
               folder.c_str(), whose, name.c_str());
  if (!of_system)
    std::fprintf(stderr, "%s: ends when you log out, unless 'loginctl enable-linger' has been called\n",
                 service.job.c_str());
}

}  // namespace

int deploy_on_systemd(const VerbValues& values) {
  PipelineArgument pipeline(values);
  if (Status manifest = check_manifest(values, "systemd"); !manifest.ok()) return fail("deploy", manifest);
  if (values.has("run-as") && !values.flag("system"))
    return fail("deploy", usage_error("--run-as goes with --system: a user's own units run as that user"));
  const auto plans = pipeline.plan();
  if (!plans.ok()) return pipeline.fail("deploy", plans.status());
  const auto folder = unit_folder(values.flag("system"));
  if (!folder.ok()) return fail("deploy", folder.status());
  bool first = true;
  for (const JobPlan& plan : *plans) {
    const auto service = service_of(values, plan);
    if (!service.ok()) return fail("deploy", service.status());
    if (values.flag("render")) {
      for (const systemd::Unit& unit : systemd::units(*service))
        std::printf("%s# %s/%s\n%s", std::exchange(first, false) ? "" : "\n", folder->c_str(), unit.name.c_str(),
                    unit.text.c_str());
      continue;
    }
    const Status done = install(*folder, *service, values.flag("system"));
    if (!done.ok()) return fail("deploy", Status(done).while_doing("pipeline '" + service->job + "'"));
    say_installed(values, *service, *folder);
  }
  return kDone;
}

}  // namespace stream
