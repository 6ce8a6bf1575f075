// The threads of a process of this user, as the system tells of them.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace stream::http {

struct ThreadFacts {
  pid_t id = 0;
  std::string name;
  std::string state;     // "RUNNABLE", "WAITING", "BLOCKED": in the disk or the like, "STOPPED", …
  std::string waits_in;  // a function of the kernel; "" = it runs, or nobody may know
};

// In the order of their ids; none where there is no such process.
std::vector<ThreadFacts> threads_of(pid_t process);

}  // namespace stream::http
