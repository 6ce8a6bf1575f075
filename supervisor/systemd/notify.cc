#include "supervisor/systemd/notify.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace stream::systemd {
namespace {

constexpr Microseconds kStatusEvery = 1'000'000;
constexpr Microseconds kExtendBy = 30'000'000;

std::string taken(const char* name) {
  const char* text = std::getenv(name);
  std::string value = text == nullptr ? "" : text;
  ::unsetenv(name);
  return value;
}

std::int64_t number(const std::string& text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? value : 0;
}

}  // namespace

Notifier Notifier::from_environment() {
  std::string address = taken("NOTIFY_SOCKET");
  const std::string pid = taken("WATCHDOG_PID");
  const Microseconds watchdog = number(taken("WATCHDOG_USEC"));
  const bool meant = pid.empty() || number(pid) == ::getpid();
  return {std::move(address), meant ? watchdog : 0};
}

Notifier::Notifier(std::string address, Microseconds watchdog) : address_(std::move(address)), watchdog_(watchdog) {
  const bool usable = address_.size() > 1 && (address_.front() == '/' || address_.front() == '@') &&
                      address_.size() < sizeof(sockaddr_un::sun_path);
  if (usable) socket_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

Notifier::Notifier(Notifier&& other) noexcept
    : address_(std::move(other.address_)), watchdog_(other.watchdog_), socket_(std::exchange(other.socket_, -1)) {}

Notifier::~Notifier() {
  if (socket_ >= 0) ::close(socket_);
}

bool Notifier::say(const std::string& text) const {
  if (socket_ < 0) return true;
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  std::memcpy(to.sun_path, address_.data(), address_.size());
  if (to.sun_path[0] == '@') to.sun_path[0] = '\0';  // in the abstract namespace
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address_.size());
  return ::sendto(socket_, text.data(), text.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&to), size) ==
         static_cast<ssize_t>(text.size());
}

void Notifier::ready() {
  if (!ready_) ready_ = say("READY=1");
}

void Notifier::stopping() {
  if (!stopping_) stopping_ = say("STOPPING=1");
}

void Notifier::turn(Microseconds now, std::string_view status, bool busy) {
  if (socket_ < 0) return;
  if (watchdog_ > 0 && now >= alive_at_ && say("WATCHDOG=1")) alive_at_ = now + watchdog_ / 4;
  if (busy && now >= extend_at_ && say("EXTEND_TIMEOUT_USEC=" + std::to_string(kExtendBy)))
    extend_at_ = now + kExtendBy / 4;
  if (status == status_ || now < status_at_) return;
  std::string line(status);
  std::ranges::replace(line, '\n', ' ');  // the next line would be another message
  if (!say("STATUS=" + line)) return;
  status_ = status;
  status_at_ = now + kStatusEvery;
}

}  // namespace stream::systemd
