#include "supervisor/child.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>

#include "transport/base/text.h"

extern char** environ;

namespace stream {
namespace {

class Fd {
 public:
  Fd() = default;
  ~Fd() { reset(); }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  void set(int fd) { fd_ = fd; }
  void reset() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  int get() const { return fd_; }
  bool open() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

struct Pipe {
  Fd read;
  Fd write;
};

Status make_pipe(Pipe& pipe) {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) != 0) return system_error("make", "a pipe", errno);
  pipe.read.set(fds[0]);
  pipe.write.set(fds[1]);
  return {};
}

Microseconds now() {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// A broken pipe is an answer of the child (it read no further), not the end of this process.
class IgnorePipeSignal {
 public:
  IgnorePipeSignal() {
    struct sigaction ignore = {};
    ignore.sa_handler = SIG_IGN;
    ::sigaction(SIGPIPE, &ignore, &before_);
  }
  ~IgnorePipeSignal() { ::sigaction(SIGPIPE, &before_, nullptr); }
  IgnorePipeSignal(const IgnorePipeSignal&) = delete;
  IgnorePipeSignal& operator=(const IgnorePipeSignal&) = delete;

 private:
  struct sigaction before_ = {};
};

class Child {
 public:
  ~Child() {
    if (pid_ > 0) kill_and_reap();
  }

  Status start(const std::string& executable, const std::vector<std::string>& args) {
    STREAM_TRY(make_pipe(in_));
    STREAM_TRY(make_pipe(out_));
    STREAM_TRY(make_pipe(err_));
    const int error = spawn(executable, args);
    if (error != 0) return system_error("run", executable, error);
    in_.read.reset();
    out_.write.reset();
    err_.write.reset();
    ::fcntl(in_.write.get(), F_SETFL, O_NONBLOCK);
    return {};
  }

  // True when the child has closed its outputs; false when time or room has run out.
  bool talk(std::string_view input, Microseconds deadline, Finished& finished) {
    if (input.empty()) in_.write.reset();
    while (out_.read.open() || err_.read.open()) {
      std::array<pollfd, 3> fds = {pollfd{in_.write.get(), POLLOUT, 0}, pollfd{out_.read.get(), POLLIN, 0},
                                   pollfd{err_.read.get(), POLLIN, 0}};
      const Microseconds left = deadline - now();
      if (left <= 0 || finished.out.size() > kAnswerBytesMax) return false;
      if (::poll(fds.data(), fds.size(), static_cast<int>(left / 1000) + 1) < 0 && errno != EINTR) return false;
      if (fds[0].revents != 0) feed(input);
      if (fds[1].revents != 0) drain(out_.read, finished.out, kAnswerBytesMax + 1);
      if (fds[2].revents != 0) drain(err_.read, finished.err, 64U << 10);
    }
    return true;
  }

  // False if the child did not end in time.
  bool reap(Microseconds deadline, Finished& finished) {
    int status = 0;
    for (;;) {
      const pid_t ended = ::waitpid(pid_, &status, WNOHANG);
      if (ended == pid_) break;
      if (ended < 0 && errno != EINTR) return false;
      if (now() >= deadline) return false;
      ::poll(nullptr, 0, 1);
    }
    pid_ = -1;
    finished.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    finished.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    return true;
  }

 private:
  int spawn(const std::string& executable, const std::vector<std::string>& args) {
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, in_.read.get(), 0);
    ::posix_spawn_file_actions_adddup2(&actions, out_.write.get(), 1);
    ::posix_spawn_file_actions_adddup2(&actions, err_.write.get(), 2);
    posix_spawnattr_t attributes;
    ::posix_spawnattr_init(&attributes);
    sigset_t defaults;
    ::sigemptyset(&defaults);
    ::sigaddset(&defaults, SIGPIPE);
    ::posix_spawnattr_setsigdefault(&attributes, &defaults);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    std::vector<char*> argv = {const_cast<char*>(executable.c_str())};
    for (const std::string& arg : args) argv.push_back(const_cast<char*>(arg.c_str()));
    argv.push_back(nullptr);
    const int error = ::posix_spawn(&pid_, executable.c_str(), &actions, &attributes, argv.data(), environ);
    if (error != 0) pid_ = -1;
    ::posix_spawnattr_destroy(&attributes);
    ::posix_spawn_file_actions_destroy(&actions);
    return error;
  }

  void feed(std::string_view& input) {
    const ssize_t n = ::write(in_.write.get(), input.data(), input.size());
    if (n > 0) input.remove_prefix(static_cast<std::size_t>(n));
    if (input.empty() || (n < 0 && errno != EAGAIN && errno != EINTR)) in_.write.reset();
  }

  static void drain(Fd& fd, std::string& to, std::size_t most) {
    char chunk[1 << 16];
    const ssize_t n = ::read(fd.get(), chunk, sizeof chunk);
    if (n > 0) to.append(chunk, std::min(static_cast<std::size_t>(n), most - std::min(most, to.size())));
    if (n == 0 || (n < 0 && errno != EINTR)) fd.reset();
  }

  void kill_and_reap() {
    ::kill(pid_, SIGKILL);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {}
  }

  Pipe in_;
  Pipe out_;
  Pipe err_;
  pid_t pid_ = -1;
};

std::string last_line(std::string_view text) {
  text = trim(text);
  return std::string(text.substr(text.rfind('\n') + 1));
}

}  // namespace

Result<Finished> run_child(const std::string& executable, const std::vector<std::string>& args, std::string_view input,
                           Microseconds timeout) {
  const IgnorePipeSignal ignore;
  const Microseconds deadline = now() + timeout;
  Child child;
  STREAM_TRY(child.start(executable, args));
  Finished finished;
  if (child.talk(input, deadline, finished) && child.reap(deadline, finished)) return finished;
  const std::string command = "'" + executable + (args.empty() ? "" : " " + join(args, " ")) + "'";
  if (finished.out.size() > kAnswerBytesMax) return failed(command + " prints more than 64 MiB");
  return failed(command + " did not end within " + format_duration(timeout));
}

Result<std::string> ask_child(const std::string& executable, const std::vector<std::string>& args,
                              std::string_view input, Microseconds timeout) {
  STREAM_ASSIGN(Finished finished, run_child(executable, args, input, timeout));
  if (finished.signal == 0 && finished.exit_code == 0) return std::move(finished.out);
  const std::string how = finished.signal != 0 ? "was killed by signal " + std::to_string(finished.signal)
                                               : "exited with " + std::to_string(finished.exit_code);
  const std::string line = last_line(finished.err);
  return failed("'" + executable + (args.empty() ? "" : " " + join(args, " ")) + "' " + how +
                (line.empty() ? "" : ": " + line));
}

}  // namespace stream
