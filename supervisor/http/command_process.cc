#include "supervisor/http/command_process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <nlohmann/json.hpp>

#include "transport/base/clock.h"

extern char** environ;

namespace stream::http {
namespace {

constexpr Microseconds kVerdictPatience = 10'000'000;
constexpr std::size_t kVerdictMax = 64U << 10;
constexpr const char* kEntry = "--commanded";

void close_all(std::initializer_list<int> fds) {
  for (const int fd : fds) {
    if (fd >= 0) ::close(fd);
  }
}

// A file in memory, at its beginning: unlike a pipe it holds all there is to say at once.
Result<int> spoken(const std::string& text) {
  const int fd = ::memfd_create("command", MFD_CLOEXEC);
  if (fd < 0) return system_error("make", "a file in memory", errno);
  for (std::size_t at = 0; at < text.size();) {
    const ssize_t n = ::write(fd, text.data() + at, text.size() - at);
    if (n <= 0) {
      const int error = errno;
      ::close(fd);
      return system_error("write", "a file in memory", error);
    }
    at += static_cast<std::size_t>(n);
  }
  ::lseek(fd, 0, SEEK_SET);
  return fd;
}

int spawn_with(const std::string& program, const std::array<int, 4>& fds, pid_t& pid) {
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  for (std::size_t i = 0; i < fds.size(); ++i)  // the last is where it gives its verdict
    ::posix_spawn_file_actions_adddup2(&actions, fds[i], static_cast<int>(i));
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t none;
  ::sigemptyset(&none);
  sigset_t defaults;
  ::sigfillset(&defaults);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes, &defaults);
  ::posix_spawnattr_setpgroup(&attributes, 0);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  char* argv[] = {const_cast<char*>(program.c_str()), const_cast<char*>(kEntry), nullptr};
  const int error = ::posix_spawn(&pid, program.c_str(), &actions, &attributes, argv, environ);
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  return error;
}

}  // namespace

Result<std::unique_ptr<CommandProcess>> CommandProcess::start(const std::string& program, const std::string& told) {
  std::unique_ptr<CommandProcess> process(new CommandProcess);
  int verdict = -1;
  STREAM_TRY(process->spawn(program, told, verdict));
  const Status judged = process->read_verdict(verdict);
  ::close(verdict);
  STREAM_TRY(judged);
  return process;
}

Status CommandProcess::spawn(const std::string& program, const std::string& told, int& verdict) {
  STREAM_ASSIGN(const int in, spoken(told));
  // Pairs: read, write.
  std::array<int, 6> pipes = {-1, -1, -1, -1, -1, -1};
  for (std::size_t i = 0; i < pipes.size(); i += 2) {
    if (::pipe2(&pipes[i], O_CLOEXEC) == 0) continue;
    const int error = errno;
    ::close(in);
    close_all({pipes[0], pipes[1], pipes[2], pipes[3], pipes[4], pipes[5]});
    return system_error("make", "a pipe", error);
  }
  const std::array<int, 4> fds = {in, pipes[1], pipes[3], pipes[5]};
  const int error = spawn_with(program, fds, pid_);
  close_all({in, pipes[1], pipes[3], pipes[5]});
  if (error != 0) {
    pid_ = -1;
    close_all({pipes[0], pipes[2], pipes[4]});
    return system_error("run", program, error);
  }
  out_ = pipes[0];
  err_ = pipes[2];
  verdict = pipes[4];
  pidfd_ = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
  for (const int fd : {out_, err_}) ::fcntl(fd, F_SETFL, O_NONBLOCK);
  return pidfd_ < 0 ? system_error("watch", program, errno) : Status();
}

Status CommandProcess::read_verdict(int fd) {
  std::string text;
  const Microseconds until = system_clock().monotonic_us() + kVerdictPatience;
  while (text.size() < kVerdictMax) {
    const Microseconds left = until - system_clock().monotonic_us();
    pollfd ready{fd, POLLIN, 0};
    if (left <= 0) return {Code::kInterrupted, "the command does not begin; try again in a moment"};
    if (::poll(&ready, 1, static_cast<int>(left / 1000 + 1)) <= 0) continue;
    char chunk[4096];
    const ssize_t n = ::read(fd, chunk, sizeof chunk);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    text.append(chunk, static_cast<std::size_t>(n));
  }
  const nlohmann::json in = nlohmann::json::parse(text, nullptr, false);
  if (!in.is_object())
    return failed("the program that runs commands has said nothing of this one; is it of another version?");
  verdict_ = {in.value("refused", 0), in.value("why", ""), in.value("changes", false), in.value("follows", false),
              in.value("shown", "")};
  return {};
}

CommandProcess::~CommandProcess() {
  if (pid_ > 0) {
    kill_all();
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {}
  }
  close_out();
  close_err();
  if (pidfd_ >= 0) ::close(pidfd_);
}

void CommandProcess::close_out() {
  if (out_ >= 0) ::close(out_);
  out_ = -1;
}

void CommandProcess::close_err() {
  if (err_ >= 0) ::close(err_);
  err_ = -1;
}

void CommandProcess::signal(int number) const {
  if (pid_ > 0) ::kill(pid_, number);
}

void CommandProcess::kill_all() const {
  if (pid_ > 0) ::kill(-pid_, SIGKILL);
}

std::optional<CommandProcess::End> CommandProcess::reap() {
  int status = 0;
  if (pid_ <= 0 || ::waitpid(pid_, &status, WNOHANG) != pid_) return std::nullopt;
  pid_ = -1;
  if (WIFSIGNALED(status)) return End{0, WTERMSIG(status)};
  return End{WEXITSTATUS(status), 0};
}

}  // namespace stream::http
