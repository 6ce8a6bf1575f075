#include "supervisor/stage_process.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

namespace stream {
namespace {

constexpr std::size_t kLineMax = 64 * 1024;
constexpr std::size_t kLinesKept = 20;
constexpr int kExecFailed = 127;

// Runs in the child between fork and exec: only async-signal-safe calls.
[[noreturn]] void become(char* const* argv, pid_t parent, int input, int talk, int output, int inherit, int report) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(kExecFailed);  // it died before the line above
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) ::signal(number, SIG_DFL);
  ::dup2(input >= 0 ? input : ::open("/dev/null", O_RDONLY), 0);
  ::dup2(output >= 0 ? output : talk, 1);
  ::dup2(talk, 2);
  if (inherit >= 0) ::fcntl(inherit, F_SETFD, 0);
  ::execv(argv[0], argv);
  const int error = errno;
  [[maybe_unused]] const ssize_t written = ::write(report, &error, sizeof error);
  ::_exit(kExecFailed);
}

// The error of a failed exec; 0 if the pipe closed, which exec does.
int exec_error(int report) {
  int error = 0;
  ssize_t n = 0;
  do { n = ::read(report, &error, sizeof error); } while (n < 0 && errno == EINTR);
  return n == static_cast<ssize_t>(sizeof error) ? error : 0;
}

class Closing {
 public:
  explicit Closing(int fd) : fd_(fd) {}
  ~Closing() {
    if (fd_ >= 0) ::close(fd_);
  }
  Closing(const Closing&) = delete;
  Closing& operator=(const Closing&) = delete;

 private:
  int fd_;
};

// A file without a name that holds these bytes; -1 for none.
Result<int> input_of(const std::string& bytes) {
  if (bytes.empty()) return -1;
  const int fd = ::memfd_create("input", MFD_CLOEXEC);
  if (fd < 0) return system_error("make", "input of a process", errno);
  if (::pwrite(fd, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size())) return fd;
  const int error = errno;
  ::close(fd);
  return system_error("make", "input of a process", error);
}

}  // namespace

std::string to_string(const ProcessExit& exit) {
  if (!exit.lost.empty()) return "lost: " + exit.lost;
  if (!exit.signalled) return "exit code " + std::to_string(exit.code);
  const char* name = ::sigabbrev_np(exit.code);
  return name != nullptr ? "killed by SIG" + std::string(name) : "killed by signal " + std::to_string(exit.code);
}

Result<StageProcess> StageProcess::start(const std::vector<std::string>& argv, int inherit, int output,
                                         const std::string& input) {
  std::vector<char*> args;
  for (const std::string& arg : argv) args.push_back(const_cast<char*>(arg.c_str()));
  args.push_back(nullptr);
  int talk[2];
  int report[2];
  STREAM_ASSIGN(const int given, input_of(input));
  const Closing close_given(given);
  if (::pipe2(talk, O_CLOEXEC) != 0) return system_error("start", argv[0], errno);
  if (::pipe2(report, O_CLOEXEC) != 0) {
    const int error = errno;
    ::close(talk[0]);
    ::close(talk[1]);
    return system_error("start", argv[0], error);
  }
  ::fcntl(talk[0], F_SETFL, O_NONBLOCK);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) become(args.data(), parent, given, talk[1], output, inherit, report[1]);
  const int fork_error = errno;
  ::close(talk[1]);
  ::close(report[1]);
  const int error = pid < 0 ? fork_error : exec_error(report[0]);
  ::close(report[0]);
  if (error != 0) {
    ::close(talk[0]);
    if (pid > 0) ::waitpid(pid, nullptr, 0);
    return system_error("start", argv[0], error);
  }
  StageProcess child;
  child.pid_ = pid;
  child.output_ = talk[0];
  child.pidfd_ = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (child.pidfd_ < 0) return system_error("watch", argv[0], errno);
  ::fcntl(child.pidfd_, F_SETFD, FD_CLOEXEC);
  return child;
}

StageProcess::StageProcess(StageProcess&& other) noexcept { *this = std::move(other); }

StageProcess& StageProcess::operator=(StageProcess&& other) noexcept {
  if (this == &other) return *this;
  close();
  pid_ = std::exchange(other.pid_, -1);
  pidfd_ = std::exchange(other.pidfd_, -1);
  output_ = std::exchange(other.output_, -1);
  reaped_ = other.reaped_;
  partial_ = std::move(other.partial_);
  last_lines_ = std::move(other.last_lines_);
  return *this;
}

StageProcess::~StageProcess() { close(); }

void StageProcess::close() {
  if (running()) {
    signal(SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    reaped_ = true;
  }
  if (pidfd_ >= 0) ::close(std::exchange(pidfd_, -1));
  if (output_ >= 0) ::close(std::exchange(output_, -1));
}

void StageProcess::signal(int number) const {
  if (running()) ::kill(pid_, number);
}

std::optional<ProcessExit> StageProcess::reap() {
  if (!running()) return std::nullopt;
  int status = 0;
  rusage usage{};
  if (::wait4(pid_, &status, WNOHANG, &usage) != pid_) return std::nullopt;
  reaped_ = true;
  ProcessExit exit;
  exit.signalled = WIFSIGNALED(status);
  exit.code = exit.signalled ? WTERMSIG(status) : WEXITSTATUS(status);
  exit.resident_kib = static_cast<std::uint64_t>(usage.ru_maxrss);
  return exit;
}

void StageProcess::take_line(std::vector<std::string>& lines) {
  last_lines_.push_back(partial_);
  if (last_lines_.size() > kLinesKept) last_lines_.pop_front();
  lines.push_back(std::exchange(partial_, {}));
}

std::vector<std::string> StageProcess::read_lines() {
  std::vector<std::string> lines;
  char chunk[16 * 1024];
  while (output_ >= 0) {
    const ssize_t n = ::read(output_, chunk, sizeof chunk);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) break;
    if (n <= 0) {
      if (!partial_.empty()) take_line(lines);
      ::close(std::exchange(output_, -1));
      break;
    }
    for (ssize_t i = 0; i < n; ++i) {
      if (chunk[i] == '\n') {
        take_line(lines);
      } else if (partial_.size() < kLineMax) {
        partial_ += chunk[i];
      }
    }
  }
  return lines;
}

}  // namespace stream
