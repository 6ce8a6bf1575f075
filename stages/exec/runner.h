// Runner: keeps a program going and gives it lots of rows, one after the other: the thin edge around Exchange and
// Attempts. step() does what can be done without waiting; wake_fd() is readable when there is more.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "stages/exec/answers.h"
#include "stages/exec/attempts.h"
#include "stages/exec/child.h"
#include "stages/exec/error_lines.h"
#include "stages/exec/exchange.h"
#include "stages/format/input_buffer.h"

namespace stream {

// Rows as the program reads them, a line each.
struct Lot {
  std::string bytes;
  std::size_t rows = 0;
};

class Runner {
 public:
  struct Setup {
    ExecMode mode = ExecMode::kBatch;
    Command command;
    std::string name;  // of the command, for messages
    Microseconds timeout = 0;
    std::uint32_t attempts = 1;
  };
  static Result<std::unique_ptr<Runner>> make(Setup setup, Answers& answers, ErrorLines& errors, const Clock& clock);
  ~Runner();

  int wake_fd() const { return epoll_; }
  bool idle() const { return !exchange_.open(); }
  Status give(Lot lot);  // needs idle()
  Status step();
  // Nothing more is given: the program reads the end of its input.
  void finish() { finishing_ = true; }
  bool finished() const { return finishing_ && idle() && !child_; }
  // Rows answered since the last call.
  std::size_t answered() { return std::exchange(answered_, 0); }

 private:
  Runner(Setup setup, Answers& answers, ErrorLines& errors, const Clock& clock);

  Status start();
  void open_exchange();
  Status write();
  Status read();
  Result<bool> read_some();
  Status take_lines();
  Status take_run(std::string_view lines);
  Status take_batch(bool last);
  void complete();
  Status on_ended(int status);
  Status on_silence();
  Status retry(const std::string& why, int exit_code = 0);
  Status wake_in(Microseconds after) const;
  Status fault(std::string_view what) const;
  std::string with_last_words(const std::string& why) const;

  const Setup setup_;
  Answers& answers_;
  ErrorLines& errors_;
  const Clock& clock_;
  Exchange exchange_;
  Attempts attempts_;
  int epoll_ = -1;
  int timer_ = -1;
  std::unique_ptr<Child> child_;
  Lot lot_;
  std::string to_write_;
  std::size_t written_ = 0;
  InputBuffer output_;
  std::size_t scanned_ = 0;  // bytes of it without a line end
  std::size_t answered_ = 0;
  std::optional<Microseconds> restart_at_;
  Microseconds progress_at_ = 0;
  bool finishing_ = false;
};

}  // namespace stream
