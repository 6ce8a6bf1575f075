#include "transport/base/thread_priority.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace stream {
namespace {

constexpr int kLowNice = 10;

// As ioprio_set(2) has them; <linux/ioprio.h> is not C++.
constexpr int kThisThread = 1;
constexpr int kDiskShared = 2;
constexpr int kDiskIdle = 3;
constexpr int kDiskLast = 7;
constexpr int kDiskClassShift = 13;

// 0 or an error number.
int set_disk_class(int disk_class, int level) {
  return ::syscall(SYS_ioprio_set, kThisThread, 0, disk_class << kDiskClassShift | level) == 0 ? 0 : errno;
}

int set_idle() {
  const sched_param none{};
  const int error = ::sched_setscheduler(0, SCHED_IDLE, &none) == 0 ? 0 : errno;
  const int disk = set_disk_class(kDiskIdle, 0);
  return error != 0 ? error : disk;
}

int set_low() {
  const int error = ::setpriority(PRIO_PROCESS, 0, kLowNice) == 0 ? 0 : errno;
  const int disk = set_disk_class(kDiskShared, kDiskLast);
  return error != 0 ? error : disk;
}

}  // namespace

Status give_way(ThreadPriority priority) {
  switch (priority) {
    case ThreadPriority::kIdle:
      if (const int error = set_idle(); error != 0) return system_error("give idle priority to", "a thread", error);
      return {};
    case ThreadPriority::kLow:
      if (const int error = set_low(); error != 0) return system_error("give low priority to", "a thread", error);
      return {};
    case ThreadPriority::kNormal: return {};
  }
  return {};
}

}  // namespace stream
