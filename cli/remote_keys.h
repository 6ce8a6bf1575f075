// The keyboard of who watches a picture that a server draws: q leaves, and signals find the terminal as it was.
#pragma once

#include <atomic>
#include <thread>

#include "cli/live_screen.h"

namespace stream {

class RemoteKeys {
 public:
  explicit RemoteKeys(bool wanted);
  ~RemoteKeys();

  bool live() const { return screen_.live(); }

 private:
  void listen();

  LiveScreen screen_;
  std::atomic<bool> over_ = false;
  std::thread thread_;
};

}  // namespace stream
