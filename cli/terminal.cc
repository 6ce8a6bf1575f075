#include "cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>

namespace stream {
namespace {

constexpr std::size_t kWidth = 80;  // of a terminal that does not say it

std::optional<Terminal>& elsewhere() {
  static std::optional<Terminal> terminal;
  return terminal;
}

winsize size_of(int fd) {
  winsize size{};
  if (::isatty(fd) == 0 || ::ioctl(fd, TIOCGWINSZ, &size) != 0) return {};
  return size;
}

}  // namespace

Terminal terminal() {
  if (elsewhere()) return *elsewhere();
  const char* none = std::getenv("NO_COLOR");
  Terminal here;
  const winsize out = size_of(1);
  here.columns = out.ws_col;
  here.rows = out.ws_row;
  const std::size_t wide = size_of(2).ws_col;
  here.error_columns = ::isatty(2) == 0 ? 0 : wide > 0 ? wide : kWidth;
  here.colour = ::isatty(1) != 0 && (none == nullptr || *none == '\0');
  return here;
}

void use_terminal(const Terminal& terminal) { elsewhere() = terminal; }

}  // namespace stream
