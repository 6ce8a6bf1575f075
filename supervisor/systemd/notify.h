// Telling the service manager of this process how it goes: sd_notify(3), a datagram to $NOTIFY_SOCKET. Nothing here
// waits: what is not taken at once is said again later.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "transport/base/clock.h"

namespace stream::systemd {

class Notifier {
 public:
  // Takes NOTIFY_SOCKET and WATCHDOG_USEC out of the environment: they are not for what this process starts. Nobody
  // listens: an object that says nothing.
  static Notifier from_environment();
  // `watchdog`: how often a sign of life is wanted, 0 = never.
  Notifier(std::string address, Microseconds watchdog);
  ~Notifier();
  Notifier(Notifier&& other) noexcept;
  Notifier(const Notifier&) = delete;
  Notifier& operator=(const Notifier&) = delete;

  bool listening() const { return socket_ >= 0; }
  void ready();  // once
  void stopping();
  // A sign of life, and one line for people, as often as either is worth it. `busy`: what goes on takes time, whose end
  // is waited for a while longer.
  void turn(Microseconds now, std::string_view status, bool busy);

 private:
  bool say(const std::string& text) const;

  std::string address_;
  Microseconds watchdog_ = 0;
  int socket_ = -1;
  bool ready_ = false;
  bool stopping_ = false;
  Microseconds alive_at_ = 0;   // when it is said again; monotonic
  Microseconds status_at_ = 0;  // likewise
  Microseconds extend_at_ = 0;  // likewise
  std::string status_;          // as it was said
};

}  // namespace stream::systemd
