#include "cli/remote_reader.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdint>

namespace stream {

ReaderWatch::ReaderWatch() : over_(::eventfd(0, EFD_CLOEXEC)) {
  thread_ = std::thread([this] {
    std::array<pollfd, 2> fds = {pollfd{over_, POLLIN, 0}, pollfd{1, 0, 0}};
    while (::poll(fds.data(), fds.size(), -1) < 0) {}  // interrupted
    if (fds[0].revents == 0) die_of_signal(SIGPIPE);
  });
}

ReaderWatch::~ReaderWatch() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t n = ::write(over_, &one, sizeof one);
  thread_.join();
  ::close(over_);
}

void die_of_signal(int number) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, number);
  ::signal(number, SIG_DFL);
  ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  ::raise(number);
  ::_exit(128 + number);  // where it is ignored after all
}

}  // namespace stream
