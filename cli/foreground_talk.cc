#include "cli/foreground_talk.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <string_view>
#include <utility>

#include "cli/terminal.h"
#include "supervisor/job_view.h"

namespace stream {
namespace {

std::size_t stderr_width() { return std::max<std::size_t>(terminal().error_columns, 2); }

// False if not all of it went out: there is no room for more. A pipe that polls as writable takes PIPE_BUF bytes.
bool put(std::string_view text) {
  while (!text.empty()) {
    pollfd room{2, POLLOUT, 0};
    if (::poll(&room, 1, 0) != 1 || (room.revents & POLLOUT) == 0) return false;
    const ssize_t n = ::write(2, text.data(), std::min<std::size_t>(text.size(), PIPE_BUF));
    if (n <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

}  // namespace

void ForegroundTalk::hear(const LogLine& line) {
  clear();
  if (last_) say(*last_);
  last_.reset();
  if (warnings_ && line.level == LogLevel::kError && !line.stage.empty())
    last_ = line;
  else
    say(line);
}

// Other lines push the live line down. The cursor waits at its beginning: a terminal that shrinks may cut it into
// several lines, and all of them are cleared from there. (Clearing to the end of the screen at once would be simpler,
// but some terminals then keep what was cleared in their history.)
void ForegroundTalk::show(const JobRunner& runner) {
  if (!live_) return;
  const std::string line = status_line(runner, stderr_width() - 1);
  if (put(cleared() + line + "\r")) shown_ = line.size();
}

void ForegroundTalk::end(const std::string& reason) {
  clear();
  if (last_ && reason.find(last_->message) == std::string::npos) say(*last_);
  last_.reset();
}

void ForegroundTalk::say(const LogLine& line) {
  const std::string who = line.stage.empty() ? "" : line.stage + "." + std::to_string(line.instance) + ": ";
  say_line(job_ + ": " + std::string(to_string(line.level)) + ": " + who + line.message + "\n");
}

void ForegroundTalk::say_line(const std::string& text) {
  const std::string missing = job_ + ": warning: " + std::to_string(unsaid_) +
                              " lines were left out, as nobody read them; see 'stream logs " + job_ + "'\n";
  if (unsaid_ > 0 && put(missing)) unsaid_ = 0;
  if (unsaid_ > 0 || !put(text)) ++unsaid_;
}

void ForegroundTalk::clear() {
  if (shown_ > 0 && put(cleared())) shown_ = 0;
}

// Clears what is shown, in the width the terminal has now, and stays where it began.
std::string ForegroundTalk::cleared() const {
  std::string text = "\r\033[K";
  const std::size_t width = stderr_width();
  if (shown_ <= width) return text;
  text += "\0337";
  for (std::size_t rest = shown_ - width; rest > 0; rest -= std::min(rest, width)) text += "\033[B\033[K";
  return text + "\0338";
}

}  // namespace stream
