#include "cli/remote_interrupt.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdint>

#include "cli/remote_reader.h"

namespace stream {
namespace {

sigset_t both() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

int open_signals() {
  const sigset_t set = both();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  return ::signalfd(-1, &set, SFD_CLOEXEC);
}

}  // namespace

RemoteInterrupt::RemoteInterrupt()
    : signals_(open_signals()), over_(::eventfd(0, EFD_CLOEXEC)), thread_([this] { run(); }) {}

RemoteInterrupt::~RemoteInterrupt() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t n = ::write(over_, &one, sizeof one);
  thread_.join();
  ::close(signals_);
  ::close(over_);
  const sigset_t set = both();
  ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

void RemoteInterrupt::run() {
  for (;;) {
    std::array<pollfd, 2> fds = {pollfd{over_, POLLIN, 0}, pollfd{signals_, POLLIN, 0}};
    if (::poll(fds.data(), fds.size(), -1) < 0) continue;
    if (fds[0].revents != 0) return;
    signalfd_siginfo signal{};
    if (::read(signals_, &signal, sizeof signal) != sizeof signal) continue;
    const int number = static_cast<int>(signal.ssi_signo);
    // Not connected yet: there is nobody to tell.
    if (number_.exchange(number) != 0 || ::shutdown(socket_, SHUT_WR) != 0) die_of_signal(number);
  }
}

}  // namespace stream
