// NoSigpipe: while it lives, writing to a pipe or socket that the other end has closed does not end this process.
//
// Elsewhere SIGPIPE keeps its meaning: a stage by hand ends with who reads its output.
#pragma once

#include <csignal>
#include <ctime>

namespace stream {

class NoSigpipe {
 public:
  NoSigpipe() {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  ~NoSigpipe() {
    const timespec none{};
    if (raised_) ::sigtimedwait(&pipe_, nullptr, &none);
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  NoSigpipe(const NoSigpipe&) = delete;
  NoSigpipe& operator=(const NoSigpipe&) = delete;

  // A call has failed with EPIPE, or may have: the signal waits and is taken away.
  void raised() { raised_ = true; }

 private:
  sigset_t pipe_;
  sigset_t before_;
  bool raised_ = false;
};

}  // namespace stream
