// Unwinder: from registers and a copy of a stack to names of functions. By the tables for unwinding that every program
// has, stripped or not (.eh_frame), and by whatever symbols there are; neither frame pointers nor debug information are
// needed.
#pragma once

#include <elfutils/libdwfl.h>
#include <sys/types.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "transport/base/status.h"

namespace stream::profile {

struct StackCopy {
  pid_t thread = 0;
  std::array<std::uint64_t, 17> registers{};  // as DWARF numbers them: rax rdx rcx rbx rsi rdi rbp rsp r8 … r15 rip
  std::uint64_t begin = 0;                    // where the bytes were
  std::vector<char> bytes;
};

class Unwinder {
 public:
  // Of the process as it is now: what it loads later has no names.
  static Result<std::unique_ptr<Unwinder>> open(pid_t pid);
  ~Unwinder();
  Unwinder(const Unwinder&) = delete;
  Unwinder& operator=(const Unwinder&) = delete;

  // Outermost first; as far as it could be followed, and empty if not at all.
  std::vector<std::string> frames_of(const StackCopy& stack);

 private:
  Unwinder() = default;
  const std::string& name_at(std::uint64_t address);

  static const Dwfl_Thread_Callbacks kThreads;
  Dwfl* dwfl_ = nullptr;
  const StackCopy* stack_ = nullptr;  // while it is unwound
  std::unordered_map<std::uint64_t, std::string> names_;
  friend struct UnwinderCalls;
};

}  // namespace stream::profile
