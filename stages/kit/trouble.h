// Trouble: what an instance waits for outside, as a server that is away, on a thread that may wait.
//
// The end of the process does not wait along, and others are told: the supervisor, which lets a stop not hang on it.
// Of any thread.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>

#include "transport/base/clock.h"

namespace stream {

class Trouble {
 public:
  // Waits so long before the next try. False, at once or as soon as give_up() is called: there is no next try.
  bool wait(const std::string& why, Microseconds at_most);
  // It has been done: nothing is waited for any more.
  void over();
  // Every wait() returns false from now on.
  void give_up();

  std::string why() const;  // "": there is none

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::string why_;
  bool given_up_ = false;
};

}  // namespace stream
