// `stream deploy --on flink`: the script is printed, given to a SQL gateway, or to Flink's SQL client.
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/deploy.h"
#include "cli/flink_gateway.h"
#include "cli/pipeline_argument.h"
#include "cli/remote.h"
#include "cli/temporary_folder.h"
#include "supervisor/flink/compile.h"
#include "supervisor/sampling_asker.h"
#include "transport/base/files.h"

namespace stream {
namespace {

struct Compiled {
  std::string pipeline;
  std::vector<flink::Statement> script;
};

// The pipelines as they are written: what planning changes of them is for our own processes.
Result<std::vector<Compiled>> compile(PipelineArgument& pipeline) {
  std::vector<PipelineSpec> written;
  pipeline.edit([&](PipelineSpec& spec) {
    written.push_back(spec);
    return Status();
  });
  STREAM_TRY(pipeline.plan().status());
  ProcessAsker processes(cache_folder(), system_files());
  SamplingAsker asker(processes, pipeline.input());
  std::vector<Compiled> out;
  for (PipelineSpec& spec : written) {
    const JobPlan plan = flink::schemas_of(std::move(spec), pipeline.catalogue(), asker, pipeline.problems());
    out.push_back({plan.pipeline.name, flink::compile(plan, pipeline.problems())});
  }
  STREAM_TRY(pipeline.problems().status());
  return out;
}

int submit(const VerbValues& values, const std::vector<Compiled>& compiled) {
  std::string url = values.text("gateway");
  while (url.ends_with('/')) url.pop_back();
  if (Status status = check_url(url); !status.ok())
    return fail("deploy", std::move(status).while_doing("option '--gateway'"));
  const auto ask = load_remote();
  if (!ask.ok()) return fail("deploy", ask.status());
  for (const Compiled& one : compiled) {
    const auto job = FlinkGateway(*ask, url).submit(one.script);
    if (!job.ok()) return fail("deploy", Status(job.status()).while_doing("pipeline '" + one.pipeline + "'"));
    if (values.flag("json")) {
      const nlohmann::ordered_json line = {
          {"pipeline", one.pipeline}, {"target", "flink"}, {"job", job->id}, {"watch", job->watch}};
      std::printf("%s\n", line.dump().c_str());
      continue;
    }
    std::printf("%s\n", job->id.c_str());
    if (!job->watch.empty()) std::fprintf(stderr, "%s: watch it at %s\n", one.pipeline.c_str(), job->watch.c_str());
  }
  return kDone;
}

// A file that is gone with this.
class ScriptFile {
 public:
  Status write(const std::string& text) {
    path_ = temporary_folder() + "/stream-flink-XXXXXX";
    const int file = ::mkstemp(path_.data());
    if (file < 0) return system_error("create", path_, errno);
    std::FILE* out = ::fdopen(file, "w");
    const bool written = std::fwrite(text.data(), 1, text.size(), out) == text.size();
    return std::fclose(out) == 0 && written ? Status() : system_error("write", path_, errno);
  }
  ~ScriptFile() {
    if (!path_.empty()) ::unlink(path_.c_str());
  }
  ScriptFile() = default;
  ScriptFile(const ScriptFile&) = delete;
  ScriptFile& operator=(const ScriptFile&) = delete;
  std::string& path() { return path_; }

 private:
  std::string path_;
};

// Prints what it says, and keeps it. Errors: kSystem, kUsage.
Result<std::string> output_of(const std::string& program, const std::string& file, int* status) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return system_error("make", "a pipe", errno);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
  std::string name = program;
  std::string flag = "-f";
  std::string path = file;
  char* arguments[] = {name.data(), flag.data(), path.data(), nullptr};
  pid_t pid = 0;
  const int error = ::posix_spawnp(&pid, name.c_str(), &actions, nullptr, arguments, environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  std::string said;
  std::array<char, 4096> bytes{};
  while (error == 0) {
    const ssize_t count = ::read(ends[0], bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    said.append(bytes.data(), static_cast<std::size_t>(count));
    std::fwrite(bytes.data(), 1, static_cast<std::size_t>(count), stdout);
    std::fflush(stdout);
  }
  ::close(ends[0]);
  if (error != 0) return usage_error("option '--sql-client': " + system_error("run", program, error).what());
  while (::waitpid(pid, status, 0) < 0 && errno == EINTR) {}
  return said;
}

// Of a statement that fails it tells in its words alone: it exits as if all were well.
int run_client(const std::string& client, const std::string& script) {
  ScriptFile file;
  if (const Status status = file.write(script); !status.ok()) return fail("deploy", status);
  int status = 0;
  const auto said = output_of(client, file.path(), &status);
  if (!said.ok()) return fail("deploy", said.status());
  const bool good = WIFEXITED(status) && WEXITSTATUS(status) == 0 && said->find("[ERROR]") == std::string::npos;
  return good ? kDone : fail("deploy", failed("'" + client + "' has failed; what it says stands above"));
}

}  // namespace

int deploy_on_flink(const VerbValues& values) {
  const int ways =
      (values.flag("render") ? 1 : 0) + (values.has("gateway") ? 1 : 0) + (values.has("sql-client") ? 1 : 0);
  if (ways != 1)
    return fail("deploy", usage_error("say where the script goes: --render prints it, --gateway URL submits it, "
                                      "--sql-client PATH gives it to Flink's own program"));
  PipelineArgument pipeline(values);
  const auto compiled = compile(pipeline);
  if (!compiled.ok()) return pipeline.fail("deploy", compiled.status());
  if (values.has("gateway")) return submit(values, *compiled);
  std::string script;
  for (const Compiled& one : *compiled) script += (script.empty() ? "" : "\n") + flink::render(one.script);
  if (values.has("sql-client")) return run_client(values.text("sql-client"), script);
  std::fputs(script.c_str(), stdout);
  return kDone;
}

}  // namespace stream
