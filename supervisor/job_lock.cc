#include "supervisor/job_lock.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>

namespace stream {
namespace {

constexpr off_t kFolder = 0;
constexpr off_t kPlace = 1;
constexpr int kLookAgainMs = 2;  // locks of dead processes vanish without an event

struct flock whole(off_t byte) {
  struct flock range {};
  range.l_type = F_WRLCK;
  range.l_whence = SEEK_SET;
  range.l_start = byte;
  range.l_len = 1;
  return range;
}

// `command` says whose lock it is: of the open file or of the process. True: the byte is ours now.
Result<bool> lock(int fd, int command, off_t byte, const JobPaths& paths) {
  struct flock range = whole(byte);
  if (::fcntl(fd, command, &range) == 0) return true;
  if (errno == EAGAIN || errno == EACCES) return false;
  return system_error("lock", paths.lock(), errno);
}

// The process that holds the supervisor's place; 0: nobody.
pid_t supervisor_of(int fd) {
  struct flock range = whole(kPlace);
  return ::fcntl(fd, F_GETLK, &range) == 0 && range.l_type != F_UNLCK ? range.l_pid : 0;
}

// Dead in all but its locks, which the system frees last: it is on its way out, or SIGKILL is on its way
// to it (proc(5): SigPnd and ShdPnd, and PF_EXITING in the flags).
bool dying(pid_t pid) {
  const std::string folder = "/proc/" + std::to_string(pid);
  constexpr std::uint64_t kKill = 1ULL << (SIGKILL - 1);
  std::ifstream status(folder + "/status");
  for (std::string line; std::getline(status, line);) {
    if (!line.starts_with("SigPnd:") && !line.starts_with("ShdPnd:")) continue;
    if (std::stoull(line.substr(line.find(':') + 1), nullptr, 16) & kKill) return true;
  }
  std::ifstream stat(folder + "/stat");
  std::string text;
  if (!std::getline(stat, text)) return true;  // gone since we asked
  std::istringstream fields(text.substr(text.rfind(')') + 1));
  std::string state;
  std::int64_t parent = 0, group = 0, session = 0, terminal = 0, terminal_group = 0;
  std::uint64_t flags = 0;
  fields >> state >> parent >> group >> session >> terminal >> terminal_group >> flags;
  constexpr std::uint64_t kExiting = 0x4;
  return flags & kExiting;
}

Status already_running(const JobPaths& paths, pid_t supervisor) {
  return failed("job '" + paths.job + "' is already running, supervised by process " + std::to_string(supervisor));
}

Status lock_folder(int fd, const JobPaths& paths, Microseconds patience) {
  const Microseconds deadline = system_clock().monotonic_us() + patience;
  for (;;) {
    STREAM_ASSIGN(const bool ours, lock(fd, F_OFD_SETLK, kFolder, paths));
    if (ours) return {};
    // One that has begun meanwhile keeps the folder as long as it runs. Our own place does not count.
    if (const pid_t supervisor = supervisor_of(fd); supervisor != 0 && !dying(supervisor))
      return already_running(paths, supervisor);
    if (system_clock().monotonic_us() >= deadline) {
      return failed("processes of job '" + paths.job +
                    "' are still alive although its supervisor is gone; see 'fuser " + paths.lock() + "'");
    }
    ::poll(nullptr, 0, kLookAgainMs);
  }
}

// Returns when the place is empty; a killed supervisor is waited for.
Status see_nobody(int fd, const JobPaths& paths, Microseconds patience) {
  const Microseconds deadline = system_clock().monotonic_us() + patience;
  while (const pid_t supervisor = supervisor_of(fd)) {
    if (!dying(supervisor) || system_clock().monotonic_us() >= deadline) return already_running(paths, supervisor);
    ::poll(nullptr, 0, kLookAgainMs);
  }
  return {};
}

Status take_place(int fd, const JobPaths& paths, Microseconds patience) {
  for (;;) {
    STREAM_ASSIGN(const bool ours, lock(fd, F_SETLK, kPlace, paths));
    if (ours) return {};
    STREAM_TRY(see_nobody(fd, paths, patience));
  }
}

}  // namespace

Result<JobLock> JobLock::open(const JobPaths& paths) {
  const int fd = ::open(paths.lock().c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return system_error("open", paths.lock(), errno);
  return JobLock(fd);
}

Result<JobLock> JobLock::take(const JobPaths& paths, Microseconds patience) {
  STREAM_ASSIGN(JobLock taken, open(paths));
  STREAM_TRY(take_place(taken.fd_, paths, patience));
  STREAM_TRY(lock_folder(taken.fd_, paths, patience));
  return taken;
}

Result<JobLock> JobLock::visit(const JobPaths& paths, Microseconds patience) {
  STREAM_ASSIGN(JobLock taken, open(paths));
  STREAM_TRY(see_nobody(taken.fd_, paths, patience));
  STREAM_TRY(lock_folder(taken.fd_, paths, patience));
  return taken;
}

pid_t JobLock::supervisor(const JobPaths& paths) {
  const int fd = ::open(paths.lock().c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  const pid_t pid = supervisor_of(fd);
  ::close(fd);
  return pid;
}

JobLock::JobLock(JobLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

JobLock& JobLock::operator=(JobLock&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

JobLock::~JobLock() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace stream
