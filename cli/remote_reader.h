// Whether anybody reads what is printed: a command that has nothing to say would not find out.
#pragma once

#include <thread>

namespace stream {

class ReaderWatch {
 public:
  ReaderWatch();  // from now on this process dies of SIGPIPE when the reader of its standard output goes
  ~ReaderWatch();
  ReaderWatch(const ReaderWatch&) = delete;

 private:
  const int over_;  // an eventfd
  std::thread thread_;
};

// Ends this process by a signal, as if it had come from elsewhere.
[[noreturn]] void die_of_signal(int number);

}  // namespace stream
