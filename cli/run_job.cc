#include "cli/run_job.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <optional>

#include "cli/command.h"
#include "cli/foreground_talk.h"
#include "cli/job_server.h"
#include "supervisor/checkpoint_place.h"
#include "supervisor/job_view.h"

namespace stream {
namespace {

struct Keeping {
  JobPaths paths;
  bool ad_hoc = false;
  bool reads_stdin = false;
};

Keeping keeping_of(const RunRequest& request) {
  const PipelineSpec& pipeline = request.plan.pipeline;
  return {job_paths(pipeline.name), pipeline.ad_hoc, stdin_stage(request.plan).has_value()};
}

// Unnamed jobs leave nothing behind when they are over. Whoever interrupts one that reads standard input has
// ended its input as well, and there is no way to say the same job again.
bool keeps(const Keeping& keeping, const JobRunner& job) {
  const JobState state = job.record().state;
  const bool interrupted = state == JobState::kStopped && keeping.reads_stdin && job.interrupted();
  return !keeping.ad_hoc || !(state == JobState::kFinished || state == JobState::kCancelled || interrupted);
}

int exit_code_of(JobState state) { return state == JobState::kFailed ? kNo : kDone; }

// What a user can do about the end of a job that does not finish.
std::string advice(const Keeping& keeping, bool kept) {
  const std::string& job = keeping.paths.job;
  if (!kept) return "nothing is kept of a job without a name that reads standard input";
  if (!keeping.ad_hoc || !keeping.reads_stdin) return "'stream run' goes on";
  return "'stream resume " + job + "' goes on, 'stream cancel " + job + "' removes it";
}

// Whether what is printed may show on this terminal: who reads a pipe may write there.
bool output_may_show() {
  struct stat info {};
  return ::isatty(1) != 0 || (::fstat(1, &info) == 0 && (S_ISFIFO(info.st_mode) || S_ISSOCK(info.st_mode)));
}

bool prints(const JobPlan& plan) {
  return std::ranges::find(plan.pipeline.stages, "print", &StageSpec::run) != plan.pipeline.stages.end();
}

}  // namespace

// The instances restore their own mask.
int open_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGWINCH}) sigaddset(&signals, number);
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  return ::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

int run_foreground(std::string_view verb, RunRequest request, const std::string& http) {
  const int signals = open_signals();
  request.print_output = 1;
  const Keeping keeping = keeping_of(request);
  // A status line would wipe out what is being typed, and stand in the middle of what is printed.
  const bool typing = request.input && request.input->terminal();
  const bool printing = output_may_show() && prints(request.plan);
  const bool terminal = ::isatty(2) != 0 && !typing && !printing;
  const bool warnings = request.plan.pipeline.log != to_string(LogLevel::kError);
  ForegroundTalk talk(keeping.paths.job, terminal, warnings);
  const auto server = start_job_server(keeping.paths.job, http);
  if (!server.ok()) return fail(verb, server.status());
  auto runner = JobRunner::create(std::move(request));
  if (!runner.ok()) {
    if (keeping.ad_hoc && keeping.reads_stdin) remove_job(keeping.paths);  // its name is its own
    return fail(verb, runner.status());
  }
  JobRunner& job = **runner;
  const JobPaths paths = job.paths();
  for (const std::string& notice : job.notices())
    std::fprintf(stderr, "%s: warning: %s\n", paths.job.c_str(), notice.c_str());
  job.watch_signals(signals);
  if (terminal) job.on_status([&](const JobRunner& running) { talk.show(running); });
  job.log().on_line([&](const LogLine& line) {
    if (line.level >= LogLevel::kWarning) talk.hear(line);
  });
  if (!job.continued_from().empty())
    std::fprintf(stderr, "%s: continues from %s\n", paths.job.c_str(), job.continued_from().c_str());
  const Result<JobState> state = job.run([](bool) {});
  talk.end(job.record().reason);
  if (!state.ok()) return fail(verb, state.status());
  const bool kept = keeps(keeping, job);
  const std::string next = advice(keeping, kept);
  if (*state == JobState::kFailed) {
    const bool say = keeping.ad_hoc && keeping.reads_stdin;  // else it can be run again as it was
    std::fprintf(stderr, "%s: fatal: %s%s\n", paths.job.c_str(), job.record().reason.c_str(),
                 say ? ("; " + next).c_str() : "");
  }
  if (*state == JobState::kStopped)
    std::fprintf(stderr, "%s: stopped: %s; %s\n", paths.job.c_str(), job.record().reason.c_str(), next.c_str());
  runner->reset();
  if (!kept) remove_job(paths);
  return exit_code_of(*state);
}

namespace {

// What the background process says first of a failure, so that the exit code is the same in both.
char letter_of(Code code) {
  if (code == Code::kUsage) return 'U';
  return code == Code::kSystem || code == Code::kNotFound ? 'S' : 'F';
}

[[noreturn]] void run_as_daemon(RunRequest request, const std::string& http, int report) {
  ::setsid();
  const int null = ::open("/dev/null", O_RDWR);
  if (!request.input) ::dup2(null, 0);
  ::dup2(null, 1);
  const int signals = open_signals();
  const Keeping keeping = keeping_of(request);
  const auto tell = [report](const std::string& text) {
    [[maybe_unused]] const ssize_t n = ::write(report, text.data(), text.size());
    ::close(report);
  };
  auto server = start_job_server(keeping.paths.job, http);
  if (!server.ok()) {
    tell(letter_of(server.status().code()) + server.status().what());
    ::_exit(kNo);
  }
  auto runner = JobRunner::create(std::move(request));
  if (!runner.ok()) {
    server->reset();
    tell(letter_of(runner.status().code()) + runner.status().what());
    ::_exit(kNo);
  }
  ::dup2(null, 2);
  JobRunner& job = **runner;
  const JobPaths paths = job.paths();
  job.watch_signals(signals);
  const auto state =
      job.run([&](bool running) { tell(running ? "R" + job.continued_from() : "F" + job.record().reason); });
  const bool kept = !state.ok() || keeps(keeping, job);
  server->reset();
  runner->reset();
  if (!kept) remove_job(paths);
  ::_exit(kDone);
}

}  // namespace

int run_detached(std::string_view verb, RunRequest request, const std::string& http) {
  int report[2];
  if (::pipe2(report, O_CLOEXEC) != 0) return fail(verb, system_error("make", "pipe", errno));
  const std::string job = request.plan.pipeline.name;
  const pid_t pid = ::fork();
  if (pid < 0) return fail(verb, system_error("start", "supervisor", errno));
  if (pid == 0) {
    ::close(report[0]);
    run_as_daemon(std::move(request), http, report[1]);
  }
  ::close(report[1]);
  std::string answer;
  char chunk[512];
  for (ssize_t n = 0; (n = ::read(report[0], chunk, sizeof chunk)) > 0;)
    answer.append(chunk, static_cast<std::size_t>(n));
  ::close(report[0]);
  if (answer.starts_with("R")) {
    const std::string from = answer.size() > 1 ? ", continues from " + answer.substr(1) : "";
    std::fprintf(stderr, "%s: running%s; see it with 'stream stats %s'\n", job.c_str(), from.c_str(), job.c_str());
    return kDone;
  }
  const std::string why = answer.size() > 1 ? answer.substr(1) : "the supervisor ended; see 'stream logs " + job + "'";
  if (answer.starts_with("U")) return fail(verb, usage_error(why));
  return fail(verb, answer.starts_with("S") ? Status(Code::kSystem, why) : failed(why));
}

}  // namespace stream
