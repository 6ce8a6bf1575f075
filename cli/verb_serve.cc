#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "cli/command.h"
#include "cli/job_server.h"
#include "cli/verb.h"
#include "cli/verb_values.h"
#include "supervisor/ha/coordination.h"
#include "supervisor/http/settings.h"
#include "supervisor/http/tokens.h"
#include "supervisor/job_client.h"
#include "supervisor/stage_folders.h"
#include "transport/base/files.h"

namespace stream {
namespace {

// "ci=operate": appends its hash to the file, and prints the token, which nobody can find out afterwards.
Status add_token(const VerbValues& values) {
  if (!values.has("tokens")) return usage_error("option '--new-token' needs '--tokens', the file it is kept in");
  const std::string& text = values.text("new-token");
  const std::size_t mark = text.find('=');
  if (mark == std::string::npos) return usage_error("'" + text + "' is not NAME=ROLE, such as ci=operate");
  STREAM_ASSIGN(const http::Role role, http::parse_role(text.substr(mark + 1)));
  STREAM_ASSIGN(const http::NewToken token, http::make_token(text.substr(0, mark), role));
  const std::string& file = values.text("tokens");
  const int fd = ::open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return system_error("write", file, errno);
  const bool written = ::write(fd, token.line.data(), token.line.size()) == static_cast<ssize_t>(token.line.size());
  const bool synced = written && ::fsync(fd) == 0;
  const int error = errno;
  ::close(fd);
  if (!synced) return system_error("write", file, error);
  std::printf("%s\n", token.secret.c_str());
  return {};
}

Result<http::ServiceSettings> settings_of(const VerbValues& values) {
  http::ServiceSettings settings;
  STREAM_ASSIGN(settings.server, http::parse_address(values.text("http")));
  if (values.has("tls-cert") != values.has("tls-key"))
    return usage_error("TLS needs both '--tls-cert' and '--tls-key'");
  settings.server.certificate = values.text("tls-cert");
  settings.server.key = values.text("tls-key");
  settings.insecure = values.flag("insecure");
  settings.tokens = values.text("tokens");
  settings.permissions.exec = values.flag("allow-exec");
  std::error_code error;
  settings.program = std::filesystem::read_symlink("/proc/self/exe", error).string();
  if (error) return system_error("find", "this program", error.value());
  for (const std::string& root : values.list("root")) {
    const auto real = std::filesystem::canonical(root, error);
    if (error) return usage_error("option '--root': '" + root + "' is no folder that is there");
    settings.permissions.roots.push_back(real.string());
  }
  settings.ha = values.text("ha");
  settings.advertise = values.text("advertise");
  if (values.has("ha")) STREAM_TRY(ha::parse_place(settings.ha).status());
  STREAM_TRY(check_advertised(settings.advertise, values.has("ha")));
  if (values.has("ha") && values.has("job")) return usage_error("--ha is for a server of all jobs");
  if (!values.has("job")) return settings;
  STREAM_ASSIGN(const JobPaths job, find_job(values.text("job")));
  settings.job = job.job;
  return settings;
}

int run_serve(const VerbValues& values) {
  if (values.has("new-token")) {
    const Status added = add_token(values);
    return added.ok() ? kDone : fail("serve", added);
  }
  const auto settings = settings_of(values);
  if (!settings.ok()) return fail("serve", settings.status());
  // It becomes another program, which has what HTTP and TLS need.
  const std::string folder = std::filesystem::path(settings->program).parent_path().string();
  const std::string server = folder + "/" STREAM_SERVER;
  const std::string text = http::to_json(*settings);
  ::unsetenv("STREAM_SERVER");  // the verbs that it runs are about this machine
  ::execl(server.c_str(), server.c_str(), text.c_str(), nullptr);
  const int why = errno;
  const std::string package = why == ENOENT ? package_of("stream-server") : "";
  if (package.empty()) return fail("serve", system_error("run", server, why));
  return fail("serve", failed("the server is not installed; it is in the package '" + package + "'"));
}

constexpr VerbOption kServeOptions[] = {
    {.name = "http",
     .arg = "ADDRESS",
     .doc = "Where to listen: HOST:PORT, or PORT of this machine alone; port 0 takes a free one.",
     .fallback = "127.0.0.1:8081"},
    {.name = "job",
     .arg = "JOB",
     .doc = "Name or unique id prefix of the only job to serve; left out, all are.",
     .kind = ValueKind::kJob,
     .positional = true},
    {.name = "tokens",
     .arg = "FILE",
     .doc = "Let in only who has a token of this file: a line each, NAME ROLE SHA256, of role read, operate or admin.",
     .kind = ValueKind::kPath},
    {.name = "new-token",
     .arg = "NAME=ROLE",
     .doc = "Make a token, print it, add its hash to the file of --tokens, and end. It cannot be found out later."},
    {.name = "root",
     .arg = "FOLDER",
     .doc = "Let requests name files in this folder: where savepoints go, what a manifest reads and writes. Relative "
            "paths start at the first. Without it requests can name none.",
     .kind = ValueKind::kPath,
     .repeated = true},
    {.name = "allow-exec",
     .doc = "Let manifests that are sent run programs, and trusted code: whoever may send one can do what you can.",
     .kind = ValueKind::kFlag},
    {.name = "tls-cert", .arg = "FILE", .doc = "Certificate chain in PEM, for HTTPS.", .kind = ValueKind::kPath},
    {.name = "tls-key", .arg = "FILE", .doc = "Its key in PEM.", .kind = ValueKind::kPath},
    {.name = "ha",
     .arg = "PLACE",
     .doc = "Have what is sent run with 'stream run --ha', and have a supervisor of this host stand by for each job "
            "that was sent to another server with the same place; see stream-ha(7)."},
    {.name = "advertise",
     .arg = "URL",
     .doc = "With --ha: where others reach this server, as https://host-a:8081; left out, where it listens."},
    {.name = "insecure",
     .doc = "Let tokens cross the network in the clear, where something else encrypts it.",
     .kind = ValueKind::kFlag},
};

constexpr VerbExample kServeExamples[] = {
    {"stream serve --http 127.0.0.1:8081", "Serves all jobs of this user to this machine."},
    {"curl -s http://127.0.0.1:8081/jobs/overview", "Asks it for them."},
    {"stream serve --new-token grafana=read --tokens tokens", "Makes a token that may read, and prints it."},
};

}  // namespace

const VerbTable kServeVerb = {
    .description =
        "Serves the jobs of this user over HTTP, in the paths and forms of Flink's REST API, so that what can look at "
        "Flink can look at them: see stream-rest(7). Prints its address, and ends with Ctrl-C, SIGTERM or SIGHUP.\n\n"
        "A browser finds pages for people at that address: the jobs as graphs with what goes through them, charts of "
        "how it was, checkpoints, savepoints, events, logs, state, rows as they pass, and what the verbs do as "
        "buttons. They load nothing from anywhere else; what can be seen and done there is what the token allows.\n\n"
        "Each job has a supervisor of its own, which this process asks as the verbs do. It holds nothing of them: it "
        "can "
        "be stopped, killed and started at any time, and finds them again.\n\n"
        "It listens to this machine alone, unless it is told otherwise. Anybody on this machine can then ask; with "
        "--tokens only who has one. At any other address tokens are needed, and TLS or --insecure.\n\n"
        "Every request that would change something is written to $STREAM_HOME/.serve/audit.log, with its time, who "
        "sent it, and how it ended.",
    .options = kServeOptions,
    .examples = kServeExamples,
    .no = "",
    .run = run_serve,
};

}  // namespace stream
