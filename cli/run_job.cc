#include "cli/run_job.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <optional>

#include "cli/command.h"
#include "supervisor/job_view.h"

namespace stream {
namespace {

std::size_t stderr_width() {
  winsize size{};
  return ::ioctl(2, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

// The live line on a terminal; other lines push it down. The cursor waits at its beginning: a terminal that
// shrinks may cut it into several lines, and all of them are cleared from there. (Clearing to the end of the
// screen at once would be simpler, but some terminals then keep what was cleared in their history.)
class StatusLine {
 public:
  explicit StatusLine(bool on) : on_(on) {}
  ~StatusLine() { clear(); }

  void show(const JobRunner& runner) {
    if (!on_) return;
    const std::string line = status_line(runner, stderr_width() - 1);
    std::fprintf(stderr, "%s%s\r", cleared().c_str(), line.c_str());
    std::fflush(stderr);
    shown_ = line.size();
  }
  void clear() {
    if (shown_ == 0) return;
    std::fputs(cleared().c_str(), stderr);
    std::fflush(stderr);
    shown_ = 0;
  }

 private:
  // Clears what is shown, in the width the terminal has now, and stays where it began.
  std::string cleared() const {
    std::string text = "\r\033[K";
    const std::size_t width = stderr_width();
    if (shown_ <= width) return text;
    text += "\0337";
    for (std::size_t rest = shown_ - width; rest > 0; rest -= std::min(rest, width)) text += "\033[B\033[K";
    return text + "\0338";
  }

  bool on_;
  std::size_t shown_ = 0;  // columns
};

void say(const JobPaths& paths, const LogLine& line) {
  const std::string who = line.stage.empty() ? "" : line.stage + "." + std::to_string(line.instance) + ": ";
  std::fprintf(stderr, "%s: %s: %s%s\n", paths.job.c_str(), std::string(to_string(line.level)).c_str(), who.c_str(),
               line.message.c_str());
}

// Prints what a job logs. The last word of a stage waits for what follows at once: the end of the job, which
// repeats it, or the warning that it restarts, where warnings are logged.
class Talk {
 public:
  Talk(const JobPaths& paths, bool warnings) : paths_(paths), warnings_(warnings) {}

  void hear(const LogLine& line) {
    if (last_) say(paths_, *last_);
    last_.reset();
    if (warnings_ && line.level == LogLevel::kError && !line.stage.empty())
      last_ = line;
    else
      say(paths_, line);
  }
  void end(const std::string& reason) const {
    if (last_ && reason.find(last_->message) == std::string::npos) say(paths_, *last_);
  }

 private:
  const JobPaths& paths_;
  const bool warnings_;
  std::optional<LogLine> last_;
};

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

void forget_job(const JobPaths& paths) {
  std::error_code ignored;
  std::filesystem::remove_all(paths.folder, ignored);
  std::filesystem::remove_all(paths.sockets(), ignored);
}

int run_foreground(std::string_view verb, RunRequest request) {
  const int signals = open_signals();
  request.print_output = 1;
  const Keeping keeping = keeping_of(request);
  // A status line would wipe out what is being typed, and stand in the middle of what is printed.
  const bool typing = request.input && request.input->terminal();
  const bool printing = output_may_show() && prints(request.plan);
  const bool terminal = ::isatty(2) != 0 && !typing && !printing;
  const bool warnings = request.plan.pipeline.log != to_string(LogLevel::kError);
  auto runner = JobRunner::create(std::move(request));
  if (!runner.ok()) {
    if (keeping.ad_hoc && keeping.reads_stdin) forget_job(keeping.paths);  // its name is its own
    return fail(verb, runner.status());
  }
  JobRunner& job = **runner;
  const JobPaths paths = job.paths();
  for (const std::string& notice : job.notices())
    std::fprintf(stderr, "%s: warning: %s\n", paths.job.c_str(), notice.c_str());
  Result<JobState> state = JobState::kFailed;
  Talk talk(paths, warnings);
  {
    StatusLine line(terminal);
    job.watch_signals(signals);
    if (terminal) job.on_status([&](const JobRunner& r) { line.show(r); });
    job.log().on_line([&](const LogLine& text) {
      if (text.level < LogLevel::kWarning) return;
      line.clear();
      talk.hear(text);
    });
    if (!job.continued_from().empty())
      std::fprintf(stderr, "%s: continues from %s\n", paths.job.c_str(), job.continued_from().c_str());
    state = job.run([](bool) {});
  }
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
  if (!kept) forget_job(paths);
  return exit_code_of(*state);
}

namespace {

// What the background process says first of a failure, so that the exit code is the same in both.
char letter_of(Code code) {
  if (code == Code::kUsage) return 'U';
  return code == Code::kSystem || code == Code::kNotFound ? 'S' : 'F';
}

[[noreturn]] void run_as_daemon(RunRequest request, int report) {
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
  auto runner = JobRunner::create(std::move(request));
  if (!runner.ok()) {
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
  runner->reset();
  if (!kept) forget_job(paths);
  ::_exit(kDone);
}

}  // namespace

int run_detached(std::string_view verb, RunRequest request) {
  int report[2];
  if (::pipe2(report, O_CLOEXEC) != 0) return fail(verb, system_error("make", "pipe", errno));
  const std::string job = request.plan.pipeline.name;
  const pid_t pid = ::fork();
  if (pid < 0) return fail(verb, system_error("start", "supervisor", errno));
  if (pid == 0) {
    ::close(report[0]);
    run_as_daemon(std::move(request), report[1]);
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
