#include "supervisor/profile/sampler.h"

#include <dirent.h>
#include <elf.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>

#include "transport/base/text.h"

namespace stream::profile {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kStackPages = 32;         // the newest 128 KiB of it
constexpr Microseconds kStopPatience = 20'000;  // a thread within the kernel stops when it leaves that

std::string read_line(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return "";
  char text[512];
  const ssize_t n = ::read(fd, text, sizeof text);
  ::close(fd);
  return n <= 0 ? "" : std::string(trim({text, static_cast<std::size_t>(n)}));
}

std::string path_of(pid_t process, pid_t thread, const char* file) {
  return "/proc/" + std::to_string(process) + "/task/" + std::to_string(thread) + "/" + file;
}

std::vector<pid_t> threads_of(pid_t process) {
  std::vector<pid_t> threads;
  DIR* folder = ::opendir(("/proc/" + std::to_string(process) + "/task").c_str());
  if (folder == nullptr) return threads;
  while (const dirent* entry = ::readdir(folder)) {
    if (const int thread = std::atoi(entry->d_name); thread > 0) threads.push_back(thread);
  }
  ::closedir(folder);
  return threads;
}

// A signal that came in the same moment goes on to the thread.
void detach(pid_t thread, int status) {
  const bool of_signal = WIFSTOPPED(status) && status >> 16 == 0;
  ::ptrace(PTRACE_DETACH, thread, nullptr, of_signal ? static_cast<long>(WSTOPSIG(status)) : 0L);
}

// The wait status of a stopped thread; nothing if it has ended, or does not stop within the time.
std::optional<int> wait_for_stop(pid_t thread, Microseconds patience, bool* gone) {
  const Microseconds until = system_clock().monotonic_us() + patience;
  for (;;) {
    int status = 0;
    const pid_t found = ::waitpid(thread, &status, __WALL | WNOHANG);
    *gone = found < 0 || (found > 0 && !WIFSTOPPED(status));
    if (*gone) return std::nullopt;
    if (found > 0) return status;
    if (system_clock().monotonic_us() >= until) return std::nullopt;
    ::sched_yield();
  }
}

// Page by page, as the last of it may not be there.
void copy_stack(pid_t process, std::uint64_t begin, StackCopy* copy) {
  copy->begin = begin;
  copy->bytes.resize(kStackPages * kPage);
  iovec local{copy->bytes.data(), copy->bytes.size()};
  iovec remote[kStackPages];
  std::uint64_t at = begin;
  for (iovec& part : remote) {
    const std::uint64_t end = (at / kPage + 1) * kPage;
    part = {reinterpret_cast<void*>(at), end - at};
    at = end;
  }
  const ssize_t n = ::process_vm_readv(process, &local, 1, remote, kStackPages, 0);
  copy->bytes.resize(n < 0 ? 0 : static_cast<std::size_t>(n));
}

bool copy_thread(pid_t process, pid_t thread, StackCopy* copy) {
  user_regs_struct from{};
  iovec place{&from, sizeof from};
  if (::ptrace(PTRACE_GETREGSET, thread, reinterpret_cast<void*>(NT_PRSTATUS), &place) != 0) return false;
  copy->thread = thread;
  copy->registers = {from.rax, from.rdx, from.rcx, from.rbx, from.rsi, from.rdi, from.rbp, from.rsp, from.r8,
                     from.r9,  from.r10, from.r11, from.r12, from.r13, from.r14, from.r15, from.rip};
  copy_stack(process, from.rsp, copy);
  return true;
}

// Whether this process may do it at all.
Status try_once(pid_t process) {
  const std::string name = "process " + std::to_string(process);
  if (::ptrace(PTRACE_SEIZE, process, nullptr, nullptr) != 0) {
    if (errno == ESRCH) return {Code::kNotFound, name + " has ended"};
    if (errno != EPERM) return system_error("look into", name, errno);
    return failed("unable to look into '" + name +
                  "': not permitted; it must be of the same user, and kernel.yama.ptrace_scope 2 at most, or a "
                  "container allow ptrace");
  }
  ::ptrace(PTRACE_INTERRUPT, process, nullptr, nullptr);
  bool gone = false;
  if (const auto status = wait_for_stop(process, 1'000'000, &gone)) detach(process, *status);
  return gone ? Status(Code::kNotFound, name + " has ended") : Status();
}

}  // namespace

Result<std::unique_ptr<Sampler>> Sampler::open(const Target& target, States states) {
  STREAM_TRY(try_once(target.pid));
  std::unique_ptr<Sampler> sampler(new Sampler(target, states));
  STREAM_ASSIGN(sampler->unwinder_, Unwinder::open(target.pid));
  return sampler;
}

bool Sampler::look(const Take& take) {
  let_go();
  const std::vector<pid_t> threads = threads_of(target_.pid);
  for (const pid_t thread : threads) {
    if (!late_.contains(thread)) look_at(thread, take);
  }
  return !threads.empty();
}

void Sampler::look_at(pid_t thread, const Take& take) {
  const std::string where = read_line(path_of(target_.pid, thread, "syscall"));
  if (where.empty()) return;  // it has ended
  const bool running = where == "running";
  if (running ? states_ == States::kOffCpu : states_ == States::kOnCpu) return;
  if (const auto known = waiting_.find(thread); !running && known != waiting_.end() && known->second.where == where)
    return take(known->second.folded);
  const auto folded = fold(thread);
  if (!folded) return;
  take(*folded);
  if (!running) waiting_[thread] = {where, *folded};
}

std::optional<std::string> Sampler::fold(pid_t thread) {
  if (::ptrace(PTRACE_SEIZE, thread, nullptr, nullptr) != 0) return std::nullopt;  // it has ended
  ::ptrace(PTRACE_INTERRUPT, thread, nullptr, nullptr);
  bool gone = false;
  const auto status = wait_for_stop(thread, kStopPatience, &gone);
  if (!status) {
    ++missed_;
    if (!gone) late_.insert(thread);
    return std::nullopt;
  }
  StackCopy copy;
  const bool copied = copy_thread(target_.pid, thread, &copy);
  detach(thread, *status);
  if (!copied) return std::nullopt;
  std::string folded = target_.label + ";" + name_of(thread);
  for (const std::string& frame : unwinder_->frames_of(copy)) folded += ";" + frame;
  return folded;
}

// Threads that stop only now.
void Sampler::let_go() {
  std::erase_if(late_, [](pid_t thread) {
    bool gone = false;
    const auto status = wait_for_stop(thread, 0, &gone);
    if (status) detach(thread, *status);
    return gone || status;
  });
}

const std::string& Sampler::name_of(pid_t thread) {
  std::string& name = names_[thread];
  if (name.empty()) name = read_line(path_of(target_.pid, thread, "comm"));
  for (char& c : name) {
    if (c == ';') c = ':';
  }
  return name;
}

}  // namespace stream::profile
