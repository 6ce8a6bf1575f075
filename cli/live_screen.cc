#include "cli/live_screen.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>

#include "cli/terminal.h"

namespace stream {
namespace {

constexpr std::array kSignals = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH};
constexpr char kClear[] = "\033[H\033[2J";
constexpr char kEndOfInput = 4;  // Ctrl-D, as a key

sigset_t handled() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : kSignals) sigaddset(&set, number);
  return set;
}

// In the background, setting a terminal up would stop the process.
bool has_terminal() { return ::isatty(0) != 0 && ::isatty(1) != 0 && ::tcgetpgrp(0) == ::getpgrp(); }

[[noreturn]] void die_of(int number) {
  ::signal(number, SIG_DFL);
  const sigset_t set = handled();
  ::raise(number);
  ::sigprocmask(SIG_UNBLOCK, &set, nullptr);
  ::_exit(128 + number);  // where it is ignored after all
}

}  // namespace

LiveScreen::LiveScreen(bool wanted) : live_(wanted && (terminal().live || has_terminal())) {
  // What is drawn is shown elsewhere, where the keys are.
  if (live_ && terminal().live) std::fputs(kClear, stdout);
  if (!live_ || terminal().live || ::tcgetattr(0, &found_) != 0) return;
  const sigset_t set = handled();
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  signals_ = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  enter();
}

LiveScreen::~LiveScreen() {
  if (signals_ < 0) return;
  restore();
  ::close(signals_);
  const sigset_t set = handled();
  ::sigprocmask(SIG_UNBLOCK, &set, nullptr);
}

void LiveScreen::enter() {
  termios keys = found_;
  keys.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  keys.c_cc[VMIN] = 1;
  keys.c_cc[VTIME] = 0;
  ::tcsetattr(0, TCSADRAIN, &keys);
  std::fputs(kClear, stdout);
  std::fflush(stdout);
}

// What has been typed since is the shell's.
void LiveScreen::restore() { ::tcsetattr(0, TCSADRAIN, &found_); }

// Over what stood there, so that nothing flickers. A line is cleared before it is written: behind the last
// column some terminals would clear that column.
void LiveScreen::draw(const std::vector<std::string>& lines) {
  std::string text = "\033[H";
  for (const std::string& line : lines) text += "\033[K" + line + "\n";
  text += "\033[J";
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
}

LiveScreen::Event LiveScreen::wait(Microseconds pause) {
  std::array<pollfd, 2> ready = {{{signals_, POLLIN, 0}, {signals_ < 0 ? -1 : 0, POLLIN, 0}}};
  if (::poll(ready.data(), ready.size(), static_cast<int>(pause / 1000)) <= 0) return Event::kTime;
  return ready[0].revents != 0 ? on_signal() : on_key();
}

LiveScreen::Event LiveScreen::on_signal() {
  signalfd_siginfo got{};
  if (::read(signals_, &got, sizeof got) != sizeof got) return Event::kTime;
  const int number = static_cast<int>(got.ssi_signo);
  if (number == SIGWINCH) return Event::kResized;
  if (number != SIGTSTP && leave_on_signals_) return Event::kLeave;
  restore();
  if (number != SIGTSTP) die_of(number);
  ::raise(SIGSTOP);
  enter();  // somebody has brought it back
  return Event::kResized;
}

LiveScreen::Event LiveScreen::on_key() {
  char key = 0;
  const ssize_t n = ::read(0, &key, 1);
  return n <= 0 || key == 'q' || key == kEndOfInput ? Event::kLeave : Event::kTime;
}

}  // namespace stream
