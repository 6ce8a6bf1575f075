#include "cli/remote_keys.h"

#include <unistd.h>

#include "cli/command.h"

namespace stream {
namespace {

constexpr Microseconds kLook = 50'000;

}  // namespace

RemoteKeys::RemoteKeys(bool wanted) : screen_(wanted) {
  if (screen_.live()) thread_ = std::thread([this] { listen(); });
}

RemoteKeys::~RemoteKeys() {
  over_ = true;
  if (thread_.joinable()) thread_.join();
}

// Leaving closes the connection, which ends the command there.
void RemoteKeys::listen() {
  while (!over_) {
    if (screen_.wait(kLook) != LiveScreen::Event::kLeave) continue;
    screen_.restore();
    ::_exit(kDone);
  }
}

}  // namespace stream
