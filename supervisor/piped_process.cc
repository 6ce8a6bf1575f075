#include "supervisor/piped_process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <utility>

namespace stream {
namespace {

constexpr int kEndPatienceMs = 3'000;

// Runs in the child between fork and exec: only async-signal-safe calls, but for the look through PATH.
[[noreturn]] void become(char* const* argv, pid_t parent, int talk, int errors) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) ::signal(number, SIG_DFL);
  ::dup2(talk, 0);
  ::dup2(talk, 1);
  ::dup2(errors, 2);
  ::execvp(argv[0], argv);
  constexpr char kText[] = "it is not installed here\n";
  [[maybe_unused]] const ssize_t written = ::write(2, kText, sizeof kText - 1);
  ::_exit(127);
}

}  // namespace

Result<PipedProcess> PipedProcess::start(const std::vector<std::string>& argv) {
  std::vector<char*> args;
  args.reserve(argv.size() + 1);
  for (const std::string& arg : argv) args.push_back(const_cast<char*>(arg.c_str()));
  args.push_back(nullptr);
  PipedProcess process;
  int talk[2];
  int errors[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, talk) != 0) return system_error("start", argv[0], errno);
  process.talk_ = talk[0];
  if (::pipe2(errors, O_CLOEXEC) != 0) {
    const int error = errno;
    ::close(talk[1]);
    return system_error("start", argv[0], error);
  }
  process.errors_ = errors[0];
  ::fcntl(errors[0], F_SETFL, O_NONBLOCK);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) become(args.data(), parent, talk[1], errors[1]);
  const int error = errno;
  ::close(talk[1]);
  ::close(errors[1]);
  if (pid < 0) return system_error("start", argv[0], error);
  process.pid_ = pid;
  return process;
}

PipedProcess::PipedProcess(PipedProcess&& other) noexcept { *this = std::move(other); }

PipedProcess& PipedProcess::operator=(PipedProcess&& other) noexcept {
  if (this == &other) return *this;
  close();
  pid_ = std::exchange(other.pid_, -1);
  talk_ = std::exchange(other.talk_, -1);
  errors_ = std::exchange(other.errors_, -1);
  return *this;
}

PipedProcess::~PipedProcess() { close(); }

void PipedProcess::kill() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(std::exchange(pid_, -1), nullptr, 0);
}

void PipedProcess::terminate() {
  if (pid_ > 0) ::kill(pid_, SIGTERM);
}

void PipedProcess::end_input() {
  if (talk_ >= 0) ::shutdown(talk_, SHUT_WR);
}

bool PipedProcess::has_ended() {
  if (pid_ > 0 && ::waitpid(pid_, nullptr, WNOHANG) == pid_) pid_ = -1;
  return pid_ <= 0;
}

void PipedProcess::close() {
  end_input();
  if (pid_ > 0) {
    const int fd = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
    pollfd ended{fd, POLLIN, 0};
    if (fd >= 0) ::poll(&ended, 1, kEndPatienceMs);
    if (fd >= 0) ::close(fd);
    kill();
  }
  if (talk_ >= 0) ::close(std::exchange(talk_, -1));
  if (errors_ >= 0) ::close(std::exchange(errors_, -1));
}

}  // namespace stream
