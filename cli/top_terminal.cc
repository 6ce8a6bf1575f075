#include "cli/top_terminal.h"

#include <langinfo.h>
#include <poll.h>
#include <unistd.h>

#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>

#define NCURSES_NOMACROS 1
#define NCURSES_WIDECHAR 1
#include <ncurses.h>

namespace stream {
namespace {

constexpr int kEscapeDelayMs = 25;  // how long the rest of an arrow key may take

// Pairs of colours by style; where there are no colours attributes say the same.
attr_t attribute(Style style) {
  const bool colours = ::has_colors();
  const auto pair = [&](short number, attr_t instead) {
    return colours ? static_cast<attr_t>(COLOR_PAIR(number)) : instead;
  };
  switch (style) {
    case Style::kPlain: return A_NORMAL;
    case Style::kDim: return A_DIM;
    case Style::kBold:
    case Style::kHead: return A_BOLD;
    case Style::kGood: return pair(1, A_NORMAL);
    case Style::kWarning: return pair(2, A_BOLD);
    case Style::kBad: return pair(3, A_BOLD) | A_BOLD;
  }
  return A_NORMAL;
}

void start_colours() {
  if (const char* no = std::getenv("NO_COLOR"); (no != nullptr && *no != '\0') || !::has_colors()) return;
  ::start_color();
  ::use_default_colors();
  ::init_pair(1, COLOR_GREEN, -1);
  ::init_pair(2, COLOR_YELLOW, -1);
  ::init_pair(3, COLOR_RED, -1);
}

std::optional<Key> key_of(int code) {
  switch (code) {
    case KEY_UP: return Key{KeyKind::kUp};
    case KEY_DOWN: return Key{KeyKind::kDown};
    case KEY_PPAGE: return Key{KeyKind::kPageUp};
    case KEY_NPAGE:
    case ' ': return Key{KeyKind::kPageDown};
    case KEY_HOME: return Key{KeyKind::kHome};
    case KEY_END: return Key{KeyKind::kEnd};
    case KEY_ENTER:
    case KEY_RIGHT:
    case '\n':
    case '\r': return Key{KeyKind::kEnter};
    case KEY_LEFT:
    case KEY_BACKSPACE:
    case 0x1b:
    case 0x7f: return Key{KeyKind::kBack};
    default: break;
  }
  if (code < 0x20 || code > 0x7e) return std::nullopt;
  return Key{KeyKind::kCharacter, static_cast<char>(code)};
}

}  // namespace

Result<TopTerminal> TopTerminal::open() {
  if (::isatty(0) == 0 || ::isatty(1) == 0)
    return failed("standard input and output are no terminal; 'stream stats --json' is for programs");
  std::setlocale(LC_CTYPE, "");
  if (::newterm(nullptr, stdout, stdin) == nullptr) {
    const char* name = std::getenv("TERM");
    return failed(std::string("TERM '") + (name == nullptr ? "" : name) +
                  "' is no terminal that can be drawn on; set it to the terminal's kind, such as xterm");
  }
  ::set_escdelay(kEscapeDelayMs);
  ::cbreak();
  ::noecho();
  ::nonl();
  ::keypad(stdscr, TRUE);
  ::nodelay(stdscr, TRUE);
  ::curs_set(0);
  start_colours();
  return TopTerminal();
}

TopTerminal::TopTerminal(TopTerminal&& other) noexcept : owns_(std::exchange(other.owns_, false)), gone_(other.gone_) {}

TopTerminal::~TopTerminal() {
  if (owns_) ::endwin();
}

Canvas TopTerminal::canvas() const {
  return {.lines = static_cast<std::size_t>(::getmaxy(stdscr)),
          .columns = static_cast<std::size_t>(::getmaxx(stdscr)),
          .utf8 = std::string_view(::nl_langinfo(CODESET)) == "UTF-8"};
}

void TopTerminal::draw(const std::vector<Line>& lines) {
  ::werase(stdscr);
  for (std::size_t row = 0; row < lines.size(); ++row) {
    ::wmove(stdscr, static_cast<int>(row), 0);
    for (const Span& span : lines[row].spans) {
      ::wattrset(stdscr, static_cast<int>(attribute(span.style) | (lines[row].selected ? A_REVERSE : 0)));
      ::waddstr(stdscr, span.text.c_str());
    }
    ::wattrset(stdscr, A_NORMAL);
    if (lines[row].selected) ::mvwchgat(stdscr, static_cast<int>(row), 0, -1, A_REVERSE, 0, nullptr);
  }
  ::wrefresh(stdscr);
}

std::optional<Key> TopTerminal::key() {
  for (;;) {
    const int code = ::wgetch(stdscr);
    if (code == KEY_RESIZE) continue;
    if (code != ERR) {
      if (const auto key = key_of(code)) return key;
      continue;
    }
    pollfd left{0, 0, 0};
    gone_ = ::poll(&left, 1, 0) > 0;  // hung up
    return std::nullopt;
  }
}

}  // namespace stream
