// PipedProcess: a program that we talk with over its standard input and output.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "transport/base/status.h"

namespace stream {

class PipedProcess {
 public:
  // Looks the program up in PATH. It has its own group and dies with its parent. Call from the main thread only.
  static Result<PipedProcess> start(const std::vector<std::string>& argv);
  PipedProcess(PipedProcess&& other) noexcept;
  PipedProcess& operator=(PipedProcess&& other) noexcept;
  // Ends its input, waits a moment for it to end, then kills it.
  ~PipedProcess();

  int talk() const { return talk_; }      // both ways
  int errors() const { return errors_; }  // its standard error; readable without blocking
  void kill();
  void terminate();  // asks it to end; the destructor waits
  void end_input();
  bool has_ended();  // and has been reaped

 private:
  PipedProcess() = default;
  void close();

  pid_t pid_ = -1;
  int talk_ = -1;
  int errors_ = -1;
};

}  // namespace stream
