// A terminal on which a picture is shown again and again, in place, until somebody leaves.
#pragma once

#include <termios.h>

#include <cstdint>
#include <string>
#include <vector>

#include "transport/base/clock.h"

namespace stream {

class LiveScreen {
 public:
  enum class Event : std::uint8_t { kTime, kResized, kLeave };

  // `wanted` is a question of options; it is live only where a person sits before both ends of the process.
  // From here to the end keys come one by one and are not shown, and signals wait for wait().
  explicit LiveScreen(bool wanted);
  ~LiveScreen();
  LiveScreen(const LiveScreen&) = delete;
  LiveScreen& operator=(const LiveScreen&) = delete;

  // A signal that would end the process is an Event::kLeave instead.
  void leave_on_signals() { leave_on_signals_ = true; }

  bool live() const { return live_; }
  void draw(const std::vector<std::string>& lines);  // no more than terminal_height() - 1

  // Until `pause` has passed, the terminal's size has changed, or somebody has typed q. A signal that ends
  // the process does so in here, with the terminal as it was found.
  Event wait(Microseconds pause);

  void restore();  // the terminal, as it was found

 private:
  void enter();
  Event on_signal();
  Event on_key();

  bool live_ = false;
  bool leave_on_signals_ = false;
  int signals_ = -1;
  termios found_{};
};

}  // namespace stream
