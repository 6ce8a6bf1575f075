#include "supervisor/http/command_relay.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include "transport/base/text.h"

namespace stream::http {
namespace {

constexpr int kTick = 500;  // milliseconds between two looks at the clock
constexpr std::size_t kPiece = 64U << 10;
constexpr std::size_t kLastError = 1000;  // bytes

}  // namespace

void CommandRelay::run() {
  while (!over()) {
    wait();
    take_outputs();
    look_at_process();
    look_at_clock();
    flush();
  }
}

std::string CommandRelay::failure() const {
  if (ended_->signal == 0 && ended_->code == 0) return "";
  const std::string how =
      ended_->signal != 0 ? "signal " + std::to_string(ended_->signal) : "exit code " + std::to_string(ended_->code);
  const std::string_view said = trim(last_error_);
  const std::size_t line = said.rfind('\n');
  return said.empty() ? how : how + ": " + std::string(line == std::string_view::npos ? said : said.substr(line + 1));
}

// Everything is said, or nobody hears it and it has ended.
bool CommandRelay::over() const { return ended_ && (gone_ || (told_ && unsent_.empty())); }

void CommandRelay::wait() {
  const bool room = gone_ || unsent_.size() < kUnsentMax;
  const auto sending = static_cast<short>(unsent_.empty() ? 0 : end_->awaited());
  const bool draining = ended_ && !told_ && room;  // what is in the pipes is there already
  const auto hearing = static_cast<short>(hushed_ ? 0 : POLLIN | POLLRDHUP);
  std::array<pollfd, 5> all = {
      pollfd{gone_ ? -1 : end_->descriptor(), static_cast<short>(hearing | sending), 0},
      pollfd{room ? process_->out() : -1, POLLIN, 0}, pollfd{room ? process_->err() : -1, POLLIN, 0},
      pollfd{ended_ ? -1 : process_->pidfd(), POLLIN, 0}, pollfd{leaving_us_ > 0 ? -1 : stop_, POLLIN, 0}};
  ::poll(all.data(), all.size(), draining ? 0 : kTick);
  if ((all[0].revents & ~POLLOUT) != 0) look_at_reader(all[0].revents);
  if (all[4].revents != 0) end_command("the server is being stopped");
}

// Who says nothing more may still hear how the command ends: if not, that is seen when it is sent.
void CommandRelay::look_at_reader(short events) {
  const bool speaks = (events & POLLRDHUP) == 0 && end_->hear();
  if ((events & (POLLERR | POLLHUP | POLLNVAL)) != 0) {
    gone_ = true;
    unsent_.clear();
  } else if (speaks) {
    return;
  }
  hushed_ = true;
  end_command("");
}

// Reads once; false where there was nothing.
bool CommandRelay::take(int fd, CommandOutput& output) {
  if (fd < 0) return false;
  char bytes[kPiece];
  const ssize_t n = ::read(fd, bytes, sizeof bytes);
  if (n < 0 && errno == EINTR) return true;
  if (n > 0 && fd == process_->err()) {
    last_error_.append(bytes, static_cast<std::size_t>(n));
    last_error_.erase(0, last_error_.size() - std::min(last_error_.size(), kLastError));
  }
  if (n > 0 && !gone_) unsent_ += output.add({bytes, static_cast<std::size_t>(n)});
  if (n == 0 && fd == process_->out()) process_->close_out();
  if (n == 0 && fd == process_->err()) process_->close_err();
  return n > 0;
}

void CommandRelay::take_outputs() {
  if (!gone_ && unsent_.size() >= kUnsentMax) return;
  const bool out = take(process_->out(), out_);
  const bool err = take(process_->err(), err_);
  quiet_ = !out && !err;
}

// What it has started may hold its outputs open for long; what it has said itself is in the pipes when it has ended.
void CommandRelay::look_at_process() {
  if (!ended_) {
    ended_ = process_->reap();
    quiet_ = false;
    return;
  }
  if (told_ || gone_ || !quiet_) return;
  unsent_ += out_.end() + err_.end() + (ended_->signal != 0 ? signal_line(ended_->signal) : exit_line(ended_->code));
  told_ = true;
}

void CommandRelay::look_at_clock() {
  const Microseconds now = system_clock().monotonic_us();
  if (!process_->verdict().follows && now - begun_us_ > kCommandTime && leaving_us_ == 0)
    end_command("it has run for an hour, the most over HTTP; begin it on the machine itself");
  if (!gone_ && !unsent_.empty() && now - sent_us_ > kReaderTime) {
    gone_ = true;
    unsent_.clear();
    end_command("");
  }
  if (!ended_ && !killed_ && leaving_us_ > 0 && now - leaving_us_ > kCommandGrace) {
    process_->kill_all();
    killed_ = true;
  }
  if (!gone_ && unsent_.empty() && now - sent_us_ > kSilence) unsent_ = kSilenceLine;
}

void CommandRelay::end_command(const char* why) {
  if (leaving_us_ > 0) return;
  leaving_us_ = system_clock().monotonic_us();
  process_->signal(SIGTERM);
  if (*why != 0)
    unsent_ += err_.end() + CommandOutput("stderr").add("stream: the command is ended: " + std::string(why) + "\n");
}

void CommandRelay::flush() {
  while (!gone_ && !unsent_.empty()) {
    const ssize_t sent = end_->send(unsent_.data(), unsent_.size());
    if (sent == 0) return;
    if (sent < 0) {
      gone_ = true;
      unsent_.clear();
      return end_command("");
    }
    unsent_.erase(0, static_cast<std::size_t>(sent));
    sent_us_ = system_clock().monotonic_us();
  }
}

}  // namespace stream::http
