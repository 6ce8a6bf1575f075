// Exchange: what one lot of rows and the answers of a program mean, line by line. Pure.
//
//   batch    the answers are whatever a process writes until it has ended well; its lines are not looked at
//   line     one line for each row, in order; what has been answered is answered for good
//   barrier  any number of lines, then the echo of `{"_barrier": n}`; without it nothing is answered
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace stream {

enum class ExecMode : std::uint8_t { kBatch, kLine, kBarrier };

class Exchange {
 public:
  explicit Exchange(ExecMode mode) : mode_(mode) {}

  // So many rows are given to the program.
  void begin(std::size_t rows);
  bool open() const { return open_; }

  // What follows the rows: the barrier with its line end, or nothing.
  std::string last_line() const;

  enum class Meaning : std::uint8_t {
    kAnswer,
    kEcho,       // everything has been answered
    kSurplus,    // a line that answers no row
    kWrongEcho,  // of a barrier that was not given
  };
  Meaning on_line(std::string_view line);
  bool answered() const { return open_ && done_; }
  void close() { open_ = false; }

  // The program has died: how many rows, from the first, need not be given again. The others are, by begin().
  std::size_t kept() const { return mode_ == ExecMode::kLine ? lines_ : 0; }

 private:
  const ExecMode mode_;
  bool open_ = false;
  bool done_ = false;
  std::size_t rows_ = 0;
  std::size_t lines_ = 0;
  std::uint64_t barrier_ = 0;
};

// What the program did wrong, for a message; "" for what is right.
std::string_view fault_of(Exchange::Meaning meaning);

}  // namespace stream
