#include "cli/compare_keeper.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>

#include "cli/compare_side.h"
#include "transport/base/clock.h"

namespace stream {
namespace {

struct Pipe {
  int read = -1;
  int write = -1;
};

Result<Pipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return system_error("make", "pipe", errno);
  return Pipe{ends[0], ends[1]};
}

// The keeper itself.
class Keeping {
 public:
  Keeping(CompareKeeper::Wish wish, int control, std::array<int, 2> reports)
      : wish_(std::move(wish)), control_(control), reports_(reports) {}

  [[noreturn]] void run() {
    ::setsid();                          // what a terminal sends to `stream compare` is for that alone
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);  // stages whose supervisor is gone become our children
    if (!make_folders()) ::_exit(1);     // then neither says anything
    start(Side::kA);
    if (wish_.both) start(Side::kB);
    for (char word = 0; read_word(word);) {
      if (word == 'b') start(Side::kB);
      if (word == 's') signal_all(SIGTERM);
    }
    signal_all(SIGKILL);
    wait_for_all();
    std::error_code ignored;
    std::filesystem::remove_all(wish_.folder, ignored);
    ::_exit(0);
  }

 private:
  // Not before: a folder that is there is one that somebody removes.
  bool make_folders() const {
    for (const std::string& folder : {wish_.folder, wish_.folder + "/a", wish_.folder + "/b"}) {
      if (::mkdir(folder.c_str(), 0700) != 0) return false;
    }
    return true;
  }

  bool read_word(char& word) const {
    for (;;) {
      const ssize_t n = ::read(control_, &word, 1);
      if (n == 1) return true;
      if (n == 0 || errno != EINTR) return false;
    }
  }

  void start(Side side) {
    const std::size_t i = index_of(side);
    const pid_t keeper = ::getpid();
    const pid_t pid = ::fork();
    if (pid == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (::getppid() != keeper) ::_exit(1);
      ::close(control_);
      ::close(reports_[1 - i]);
      run_side(std::move(wish_.requests[i]), wish_.folder, reports_[i]);
    }
    ::close(reports_[i]);  // its reader sees the end when the supervisor is gone
    children_[i] = pid;
  }

  // None is waited for before the end, so no number is another's by now.
  void signal_all(int number) const {
    for (const pid_t child : children_) {
      if (child > 0) ::kill(child, number);
    }
  }

  // Stages die with their supervisor; a process that hangs in the kernel is not waited for for ever.
  static void wait_for_all() {
    constexpr Microseconds kPatience = 30'000'000;
    const Microseconds deadline = system_clock().monotonic_us() + kPatience;
    while (system_clock().monotonic_us() < deadline) {
      const pid_t ended = ::waitpid(-1, nullptr, WNOHANG);
      if (ended < 0 && errno == ECHILD) return;
      if (ended == 0) ::usleep(2'000);
    }
  }

  CompareKeeper::Wish wish_;
  int control_;
  std::array<int, 2> reports_;
  std::array<pid_t, 2> children_ = {-1, -1};
};

}  // namespace

Result<std::unique_ptr<CompareKeeper>> CompareKeeper::start(Wish wish) {
  STREAM_ASSIGN(const Pipe control, make_pipe());
  std::array<Pipe, 2> reports;
  for (Pipe& pipe : reports) { STREAM_ASSIGN(pipe, make_pipe()); }
  std::unique_ptr<CompareKeeper> keeper(new CompareKeeper());
  keeper->folder_ = wish.folder;
  keeper->pid_ = ::fork();
  if (keeper->pid_ < 0) return system_error("start", "supervisor", errno);
  if (keeper->pid_ == 0) {
    ::close(control.write);
    for (const Pipe& pipe : reports) ::close(pipe.read);
    Keeping(std::move(wish), control.read, {reports[0].write, reports[1].write}).run();
  }
  ::close(control.read);
  keeper->control_ = control.write;
  for (std::size_t i = 0; i < reports.size(); ++i) {
    ::close(reports[i].write);
    ::fcntl(reports[i].read, F_SETFL, O_NONBLOCK);
    keeper->reports_[i] = reports[i].read;
  }
  return keeper;
}

CompareKeeper::~CompareKeeper() {
  ::close(control_);
  for (const int report : reports_) ::close(report);
  if (pid_ > 0) ::waitpid(pid_, nullptr, 0);
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);  // where somebody has killed the keeper
}

void CompareKeeper::say(char word) const {
  [[maybe_unused]] const ssize_t n = ::write(control_, &word, 1);  // a keeper that is gone has ended both
}

}  // namespace stream
