#include "stages/kit/trouble.h"

#include <chrono>

namespace stream {

bool Trouble::wait(const std::string& why, Microseconds at_most) {
  std::unique_lock lock(mutex_);
  why_ = why;
  return !changed_.wait_for(lock, std::chrono::microseconds(at_most), [this] { return given_up_; });
}

void Trouble::over() {
  const std::lock_guard lock(mutex_);
  why_.clear();
}

void Trouble::give_up() {
  {
    const std::lock_guard lock(mutex_);
    given_up_ = true;
  }
  changed_.notify_all();
}

std::string Trouble::why() const {
  const std::lock_guard lock(mutex_);
  return why_;
}

}  // namespace stream
