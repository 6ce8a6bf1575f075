#include "cli/run_job.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <functional>
#include <optional>
#include <utility>

#include "cli/command.h"
#include "cli/foreground_talk.h"
#include "cli/job_server.h"
#include "cli/run_standby.h"
#include "cli/service_talk.h"
#include "cli/terminal.h"
#include "supervisor/checkpoint_place.h"
#include "supervisor/job_view.h"

namespace stream {
namespace {

void say_notices(const JobRunner& job) {
  for (const std::string& notice : job.notices())
    std::fprintf(stderr, "%s: warning: %s\n", job.paths().job.c_str(), notice.c_str());
}

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

bool logs_to(const JobPlan& plan, std::string_view kind) {
  const auto& sinks = plan.pipeline.log_to;
  return std::ranges::find(sinks, kind, &LogSinkSpec::kind) != sinks.end();
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

namespace {

constexpr int kDeposed = -1;  // no exit code: another supervisor leads the job now

// Whether a job that could not begin may begin later.
using Passes = std::function<bool(const Status&)>;

int run_once(std::string_view verb, RunRequest request, const std::string& http, int signals, ServiceTalk& service,
             const Passes& passes = nullptr) {
  request.print_output = 1;
  const Keeping keeping = keeping_of(request);
  // A status line would wipe out what is being typed, and stand in the middle of what is printed.
  const bool typing = request.input && request.input->terminal();
  const bool printing = output_may_show() && prints(request.plan);
  const bool may_show = stream::terminal().error_columns != 0 && !typing && !printing;
  const bool warnings = request.plan.pipeline.log != to_string(LogLevel::kError);
  // Who has the log on standard error, or in the journal with that, is told everything there.
  const bool logs = logs_to(request.plan, "stderr") || (service.listening() && logs_to(request.plan, "journald"));
  const bool terminal = may_show && !logs;
  ForegroundTalk talk(keeping.paths.job, terminal, warnings);
  const auto server = start_job_server(keeping.paths.job, http);
  if (!server.ok()) return fail(verb, server.status());
  auto runner = JobRunner::create(std::move(request));
  if (!runner.ok()) {
    if (keeping.ad_hoc && keeping.reads_stdin) remove_job(keeping.paths);  // its name is its own
    const int code = fail(verb, runner.status());
    return passes && passes(runner.status()) ? kDeposed : code;
  }
  JobRunner& job = **runner;
  const JobPaths paths = job.paths();
  say_notices(job);
  job.watch_signals(signals);
  if (terminal || service.listening()) {
    job.on_status([&](const JobRunner& running) {
      if (terminal) talk.show(running);
      service.turn(running);
    });
  }
  job.log().on_line([&](const LogLine& line) {
    if (line.level >= LogLevel::kWarning && !logs) talk.hear(line);
  });
  if (!job.continued_from().empty())
    std::fprintf(stderr, "%s: continues from %s\n", paths.job.c_str(), job.continued_from().c_str());
  const Result<JobState> state = job.run([&](bool running) {
    if (running) service.running();
  });
  talk.end(job.deposed() ? "" : job.record().reason);
  if (!state.ok()) return fail(verb, state.status());
  if (job.deposed()) return kDeposed;
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

// Leads and stands by in turns, until the job is over.
int run_in_turns(std::string_view verb, const RunRequest& request, const std::string& http,
                 const SeveralSupervisors& ha, int signals, ServiceTalk& service) {
  const std::string job = request.plan.pipeline.name;
  const auto server = start_job_server(job, http);
  if (!server.ok()) return fail(verb, server.status());
  const auto standby = StandbyRun::open(request, ha.place, ha.advertised(server->url), ha.only_standby);
  if (!standby.ok()) return fail(verb, standby.status());
  std::string said;
  (*standby)->on_turn([&] { service.wait(said); });
  for (;;) {
    auto next = (*standby)->next(signals, [&](const std::string& line) {
      said = line;
      std::fprintf(stderr, "%s: %s\n", job.c_str(), line.c_str());
    });
    if (!next.ok()) return fail(verb, next.status());
    if (const auto* over = std::get_if<StandbyRun::Over>(&*next)) {
      std::fprintf(stderr, "%s: %s\n", job.c_str(), over->why.c_str());
      return over->exit_code;
    }
    auto turn = std::get<RunRequest>(*std::move(next));
    const auto passes = [&, leadership = turn.leadership](const Status& why) {
      return (*standby)->rests(why, *leadership);
    };
    const int code = run_once(verb, std::move(turn), "", signals, service, passes);
    if (code != kDeposed) return code;
    (*standby)->began();
    std::fprintf(stderr, "%s: leads no more\n", job.c_str());
  }
}

}  // namespace

int run_foreground(std::string_view verb, RunRequest request, const std::string& http, const SeveralSupervisors& ha) {
  const int signals = open_signals();
  ServiceTalk service;
  return ha.place.empty() ? run_once(verb, std::move(request), http, signals, service)
                          : run_in_turns(verb, request, http, ha, signals, service);
}

namespace {

// What the background process says first of a failure, so that the exit code is the same in both.
char letter_of(Code code) {
  if (code == Code::kUsage) return 'U';
  return code == Code::kSystem || code == Code::kNotFound ? 'S' : 'F';
}

// Tells who has started it, once.
class Report {
 public:
  explicit Report(int fd) : fd_(fd) {}
  void operator()(const std::string& text) {
    if (fd_ < 0) return;
    [[maybe_unused]] const ssize_t n = ::write(fd_, text.data(), text.size());
    ::close(std::exchange(fd_, -1));
  }
  void operator()(const Status& status) { (*this)(letter_of(status.code()) + status.what()); }

 private:
  int fd_;
};

// Ends this process if there can be none.
JobServer server_of(const std::string& job, const std::string& http, Report& tell) {
  auto server = start_job_server(job, http);
  if (server.ok()) return *std::move(server);
  tell(server.status());
  ::_exit(kNo);
}

// Whether the job is over for this process: nobody else leads it.
bool run_unseen(RunRequest request, const std::string& http, int signals, Report& tell,
                const Passes& passes = nullptr) {
  const Keeping keeping = keeping_of(request);
  JobServer server = server_of(keeping.paths.job, http, tell);
  auto runner = JobRunner::create(std::move(request));
  if (!runner.ok()) {
    server.process.reset();
    if (passes && passes(runner.status())) return false;
    tell(runner.status());
    ::_exit(kNo);
  }
  JobRunner& job = **runner;
  say_notices(job);
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  ::dup2(null, 2);
  ::close(null);
  const JobPaths paths = job.paths();
  job.watch_signals(signals);
  const auto state = job.run([&](bool running) {
    if (running)
      tell("R" + job.continued_from());
    else if (!job.deposed())  // else it stands by, and says so
      tell("F" + job.record().reason);
  });
  const bool deposed = state.ok() && job.deposed();
  const bool kept = deposed || !state.ok() || keeps(keeping, job);
  server.process.reset();
  runner->reset();
  if (!kept) remove_job(paths);
  return !deposed;
}

[[noreturn]] void run_as_daemon(RunRequest request, const std::string& http, const SeveralSupervisors& ha, int report) {
  ::setsid();
  const int null = ::open("/dev/null", O_RDWR);
  if (!request.input) ::dup2(null, 0);
  ::dup2(null, 1);
  const int signals = open_signals();
  Report tell(report);
  if (ha.place.empty()) {
    run_unseen(std::move(request), http, signals, tell);
    ::_exit(kDone);
  }
  const JobServer server = server_of(request.plan.pipeline.name, http, tell);
  const auto standby = StandbyRun::open(request, ha.place, ha.advertised(server.url), ha.only_standby);
  if (!standby.ok()) {
    tell(standby.status());
    ::_exit(kNo);
  }
  const auto say = [&](const std::string& line) {
    if (!line.starts_with("stands by")) return;
    tell("W" + line);
    ::dup2(null, 2);  // whoever waits for its end to be closed need not wait for this job
  };
  for (bool ended = false; !ended;) {
    auto next = (*standby)->next(signals, say);
    if (!next.ok()) tell(next.status());
    const auto* over = next.ok() ? std::get_if<StandbyRun::Over>(&*next) : nullptr;
    if (over != nullptr) tell("O" + over->why);
    ended = !next.ok() || over != nullptr;
    if (ended) break;
    auto turn = std::get<RunRequest>(*std::move(next));
    const auto passes = [&, leadership = turn.leadership](const Status& why) {
      return (*standby)->rests(why, *leadership);
    };
    ended = run_unseen(std::move(turn), "", signals, tell, passes);
    (*standby)->began();
  }
  ::_exit(kDone);
}

}  // namespace

int run_detached(std::string_view verb, RunRequest request, const std::string& http, const SeveralSupervisors& ha) {
  int report[2];
  if (::pipe2(report, O_CLOEXEC) != 0) return fail(verb, system_error("make", "pipe", errno));
  const std::string job = request.plan.pipeline.name;
  const pid_t pid = ::fork();
  if (pid < 0) return fail(verb, system_error("start", "supervisor", errno));
  if (pid == 0) {
    ::close(report[0]);
    run_as_daemon(std::move(request), http, ha, report[1]);
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
  if (answer.starts_with("W") || answer.starts_with("O")) {
    std::fprintf(stderr, "%s: %s\n", job.c_str(), answer.substr(1).c_str());
    return kDone;
  }
  const std::string why = answer.size() > 1 ? answer.substr(1) : "the supervisor ended; see 'stream logs " + job + "'";
  if (answer.starts_with("U")) return fail(verb, usage_error(why));
  return fail(verb, answer.starts_with("S") ? Status(Code::kSystem, why) : failed(why));
}

}  // namespace stream
