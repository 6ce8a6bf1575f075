#include "stages/exec/child.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <utility>

#include "stages/kit/no_sigpipe.h"

namespace stream {
namespace {

constexpr int kPipeSize = 1 << 20;
constexpr int kEndPatienceMs = 500;

struct Pipe {
  int read = -1;
  int write = -1;
  ~Pipe() {
    if (read >= 0) ::close(read);
    if (write >= 0) ::close(write);
  }
  bool open() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return false;
    read = ends[0];
    write = ends[1];
    return true;
  }
};

int release(int& fd) { return std::exchange(fd, -1); }

// Of texts, for exec.
std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  out.reserve(texts.size() + 1);
  for (const std::string& text : texts) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

std::vector<std::string> environment_of(const Command& command) {
  std::vector<std::string> out;
  for (char** at = environ; *at != nullptr; ++at) out.emplace_back(*at);
  out.insert(out.end(), command.environment.begin(), command.environment.end());
  return out;
}

void say(const char* text) {
  if (::write(2, text, std::strlen(text)) < 0) return;  // there is nobody else to tell
}

// In the new process, where only async-signal-safe calls are allowed.
[[noreturn]] void become(const char* folder, char* const* words, char* const* environment, int in, int out, int err,
                         pid_t parent) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (const int number : {SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGQUIT}) ::signal(number, SIG_DFL);
  ::dup2(in, 0);
  ::dup2(out, 1);
  ::dup2(err, 2);
  ::close_range(3, ~0U, 0);  // the job's lock, and pipes of whoever started this
  if (*folder != 0 && ::chdir(folder) != 0) say("unable to change to the stage's folder\n");
  ::execvpe(words[0], words, environment);
  say(words[0]);
  say(errno == ENOENT ? ": not found\n" : ": unable to run it\n");
  ::_exit(errno == ENOENT ? 127 : 126);
}

}  // namespace

Result<std::unique_ptr<Child>> Child::start(const Command& command, int epoll) {
  Pipe in;
  Pipe out;
  Pipe err;
  if (!in.open() || !out.open() || !err.open()) return system_error("make a pipe for", command.words[0], errno);
  ::fcntl(in.write, F_SETPIPE_SZ, kPipeSize);  // where a user may have so much
  ::fcntl(out.read, F_SETPIPE_SZ, kPipeSize);
  const std::vector<std::string> environment = environment_of(command);
  const std::vector<char*> words = pointers(command.words);
  const std::vector<char*> variables = pointers(environment);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return system_error("start", command.words[0], errno);
  if (pid == 0) become(command.folder.c_str(), words.data(), variables.data(), in.read, out.write, err.write, parent);
  ::setpgid(pid, pid);  // whoever comes first
  std::unique_ptr<Child> child(new Child(epoll));
  child->pid_ = pid;
  child->pid_fd_ = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  child->input_ = release(in.write);
  child->output_ = release(out.read);
  child->errors_ = release(err.read);
  if (child->pid_fd_ < 0) return system_error("watch", command.words[0], errno);
  STREAM_TRY(child->watch(child->pid_fd_, EPOLLIN));
  STREAM_TRY(child->watch(child->input_, 0));
  STREAM_TRY(child->watch(child->output_, EPOLLIN));
  STREAM_TRY(child->watch(child->errors_, EPOLLIN));
  return child;
}

Child::~Child() {
  close(input_);
  if (!ended()) {
    pollfd end{pid_fd_, POLLIN, 0};
    ::poll(&end, 1, kEndPatienceMs);
    if (!ended()) kill();
  }
  close(output_);
  close(errors_);
  close(pid_fd_);
  if (!status_ && pid_ > 0) ::waitpid(pid_, nullptr, 0);
}

Status Child::watch(int fd, std::uint32_t events) {
  ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
  epoll_event event{};
  event.events = events;
  return ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0 ? Status() : system_error("watch", "a pipe", errno);
}

void Child::close(int& fd) {
  if (fd < 0) return;
  ::epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
  ::close(release(fd));
}

Result<std::size_t> Child::write(std::string_view bytes) {
  if (input_ < 0) return std::size_t{0};
  NoSigpipe guard;
  const ssize_t n = ::write(input_, bytes.data(), bytes.size());
  if (n >= 0) return static_cast<std::size_t>(n);
  if (errno == EAGAIN || errno == EINTR) return std::size_t{0};
  if (errno != EPIPE) return system_error("write to", "the program", errno);
  guard.raised();
  close(input_);
  return std::size_t{0};
}

void Child::want_room(bool wanted) {
  if (input_ < 0 || wanted == wants_room_) return;
  wants_room_ = wanted;
  epoll_event event{};
  event.events = wanted ? EPOLLOUT : 0U;
  ::epoll_ctl(epoll_, EPOLL_CTL_MOD, input_, &event);
}

void Child::close_input() { close(input_); }

void Child::drop_closed_input() {
  pollfd end{input_, 0, 0};
  if (input_ >= 0 && ::poll(&end, 1, 0) > 0 && (end.revents & POLLERR) != 0) close(input_);
}

Result<std::size_t> Child::read(int& fd, char* to, std::size_t size) {
  if (fd < 0) return std::size_t{0};
  const ssize_t n = ::read(fd, to, size);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return std::size_t{0};
  if (n < 0) return system_error("read from", "the program", errno);
  if (n == 0) close(fd);
  return static_cast<std::size_t>(n);
}

std::optional<int> Child::ended() {
  int status = 0;
  if (!status_ && pid_ > 0 && ::waitpid(pid_, &status, WNOHANG) == pid_) {
    status_ = status;
    close(pid_fd_);
  }
  return status_;
}

void Child::kill() const {
  if (pid_ > 0) ::kill(-pid_, SIGKILL);
}

std::string describe_end(int status) {
  if (WIFEXITED(status)) return "exit status " + std::to_string(WEXITSTATUS(status));
  const int number = WTERMSIG(status);
  return "killed by signal " + std::to_string(number) + " (" + ::strsignal(number) + ")";
}

}  // namespace stream
