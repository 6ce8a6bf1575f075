// The terminal of `stream top`: the only place that knows ncurses.
#pragma once

#include <optional>
#include <vector>

#include "cli/top/top_picture.h"
#include "cli/top/top_state.h"
#include "transport/base/status.h"

namespace stream {

class TopTerminal {
 public:
  // Takes the terminal over. Errors: kFailed if there is none that can be drawn on.
  static Result<TopTerminal> open();
  TopTerminal(TopTerminal&& other) noexcept;
  TopTerminal& operator=(TopTerminal&&) = delete;
  ~TopTerminal();  // as it was found

  Canvas canvas() const;
  void draw(const std::vector<Line>& lines);
  // What has been typed and not been asked for; nothing if that is all, or only the size has changed.
  std::optional<Key> key();
  // True when nobody types there any more.
  bool gone() const { return gone_; }

 private:
  TopTerminal() = default;
  bool owns_ = true;
  bool gone_ = false;
};

}  // namespace stream
