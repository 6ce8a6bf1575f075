// A verb that is run for a request: the `stream` program itself, without a shell, in a process group of its own.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "supervisor/http/message.h"

namespace stream::http {

// What the program says of a command before it does anything: it reads the command by its own tables.
struct Verdict {
  int refused = 0;  // a status of HTTP; 0 = it goes on
  std::string why = {};
  bool changes = false;    // something: it is noted who has asked for it
  bool follows = false;    // goes on as long as somebody listens
  std::string shown = {};  // the command, for who reads the log of changes
};

class CommandProcess {
 public:
  // Starts `program`, which is told `told` on its standard input, and waits for its verdict. Errors: kSystem, kFailed,
  // kInterrupted if it does not say any in time.
  static Result<std::unique_ptr<CommandProcess>> start(const std::string& program, const std::string& told);
  ~CommandProcess();  // kills what still runs
  CommandProcess(const CommandProcess&) = delete;

  const Verdict& verdict() const { return verdict_; }
  int out() const { return out_; }
  int err() const { return err_; }
  int pidfd() const { return pidfd_; }  // readable when it has ended
  void close_out();
  void close_err();

  void signal(int number) const;  // to itself
  void kill_all() const;          // SIGKILL to it and whatever it has started in its group

  struct End {
    int code = 0;
    int signal = 0;  // that has ended it
  };
  std::optional<End> reap();  // if it has ended; once

 private:
  CommandProcess() = default;
  Status spawn(const std::string& program, const std::string& told, int& verdict);
  Status read_verdict(int fd);

  Verdict verdict_;
  pid_t pid_ = -1;
  int pidfd_ = -1;
  int out_ = -1;
  int err_ = -1;
};

}  // namespace stream::http
