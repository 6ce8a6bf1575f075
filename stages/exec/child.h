// Child: one running program and its three pipes. Nothing here waits, but the end of a program that was told to end.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "transport/base/clock.h"
#include "transport/base/status.h"

namespace stream {

struct Command {
  std::vector<std::string> words;        // program and arguments
  std::string folder;                    // it runs in
  std::vector<std::string> environment;  // NAME=VALUE, added to this process's
};

class Child {
 public:
  // Its pipes and its end are watched through `epoll`, which outlives it. It dies with this thread. Errors: kSystem.
  static Result<std::unique_ptr<Child>> start(const Command& command, int epoll);
  // Closes its standard input, and kills it and its process group if it does not end soon.
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // Gives what the pipe has room for; returns how many bytes. Nothing goes to a program that has closed its end.
  Result<std::size_t> write(std::string_view bytes);
  // Whether epoll is to tell when there is room to write.
  void want_room(bool wanted);
  void close_input();
  void drop_closed_input();  // so that epoll does not tell for ever that the program has closed its end

  // Up to `size` bytes of its output, or its errors; 0: nothing now, or nothing ever, see output_ended().
  Result<std::size_t> read_output(char* to, std::size_t size) { return read(output_, to, size); }
  Result<std::size_t> read_errors(char* to, std::size_t size) { return read(errors_, to, size); }
  bool output_ended() const { return output_ < 0; }

  // How it ended, as waitpid() tells; nothing: it runs.
  std::optional<int> ended();
  void kill() const;

 private:
  explicit Child(int epoll) : epoll_(epoll) {}
  Status watch(int fd, std::uint32_t events);
  void close(int& fd);
  Result<std::size_t> read(int& fd, char* to, std::size_t size);

  const int epoll_;
  pid_t pid_ = -1;
  int pid_fd_ = -1;
  int input_ = -1;
  int output_ = -1;
  int errors_ = -1;
  bool wants_room_ = false;
  std::optional<int> status_;
};

// "exit status 3", "killed by signal 9 (Killed)".
std::string describe_end(int status);

}  // namespace stream
