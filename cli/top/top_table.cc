#include "cli/top/top_table.h"

#include <wchar.h>  // wcwidth()

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <string_view>
#include <utility>

namespace stream {
namespace {

constexpr std::size_t kGap = 2;  // between two columns

struct Character {
  char32_t code = 0;      // 0: none that stands in a line
  std::size_t bytes = 1;  // that it takes
};

// The one that begins at `at`. Bytes that are no UTF-8 come one by one.
Character character_at(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[at + i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return {first < 0x20 || first == 0x7f ? U'\0' : char32_t{first}, 1};
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0;
  if (length == 0 || at + length > text.size()) return {};
  char32_t code = first & (0xff >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    code = code << 6 | (byte(i) & 0x3f);
  }
  return {code, length};
}

std::size_t width_of(Character character) {
  if (character.code == 0) return 1;  // shown as '?'
  const int cells = ::wcwidth(static_cast<wchar_t>(character.code));
  return cells < 0 ? 1 : static_cast<std::size_t>(cells);
}

// Its last cells.
std::string end_of(const std::string& text, std::size_t cells) {
  std::size_t at = 0;
  for (std::size_t over = cells_of(text); over > cells && at < text.size();) {
    const Character character = character_at(text, at);
    over -= std::min(over, width_of(character));
    at += character.bytes;
  }
  return text.substr(at);
}

std::vector<std::size_t> widths_of(const TopTable& table) {
  std::vector<std::size_t> widths;
  for (const TopColumn& column : table.columns) widths.push_back(cells_of(column.title));
  for (const auto& row : table.rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], cells_of(row[i].text));
  }
  return widths;
}

// Columns left out have no width. The last one, if it fills, has at least what it needs, or none.
void fit(const std::vector<TopColumn>& columns, std::vector<std::size_t>& widths, std::size_t width) {
  const bool fills = columns.back().fills;
  const std::size_t wanted = fills ? std::exchange(widths.back(), kLeastFill) : 0;
  const auto total = [&] {
    return std::accumulate(widths.begin(), widths.end(), std::size_t{0},
                           [](std::size_t sum, std::size_t w) { return w == 0 ? sum : sum + w + kGap; });
  };
  while (total() > width + kGap) {
    std::size_t least = columns.size();
    for (std::size_t i = 0; i < columns.size(); ++i) {
      if (widths[i] > 0 && columns[i].spare > 0 && (least == columns.size() || columns[i].spare > columns[least].spare))
        least = i;
    }
    if (least == columns.size()) break;
    widths[least] = 0;
  }
  if (!fills || widths.back() == 0) return;
  const std::size_t left = width + kGap - std::min(width + kGap, total());
  widths.back() = std::min(kLeastFill + left, std::max(wanted, kLeastFill));
}

std::string padded(const std::string& text, std::size_t width, bool right) {
  const std::string cut = clip(text, width);
  const std::string pad(width - std::min(width, cells_of(cut)), ' ');
  return right ? pad + cut : cut + pad;
}

Line cut(Line line, std::size_t width) {
  for (Span& span : line.spans) {
    span.text = clip(span.text, width);
    width -= cells_of(span.text);
  }
  return line;
}

}  // namespace

std::size_t cells_of(const std::string& text) {
  std::size_t cells = 0;
  for (std::size_t at = 0; at < text.size();) {
    const Character character = character_at(text, at);
    cells += width_of(character);
    at += character.bytes;
  }
  return cells;
}

std::string clip(const std::string& text, std::size_t cells) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const Character character = character_at(text, at);
    if (width_of(character) > cells) break;
    cells -= width_of(character);
    out += character.code == 0 ? "?" : text.substr(at, character.bytes);
    at += character.bytes;
  }
  return out;
}

std::vector<Line> lines_of(const TopTable& table, std::size_t width) {
  std::vector<std::size_t> widths = widths_of(table);
  fit(table.columns, widths, width);
  std::vector<Line> lines;
  const auto add = [&](const std::vector<Span>& cells) {
    Line line;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (widths[i] == 0) continue;
      if (!line.spans.empty()) line.spans.push_back({std::string(kGap, ' '), Style::kPlain});
      const TopColumn& column = table.columns[i];
      const std::string text = column.fills ? end_of(cells[i].text, widths[i]) : cells[i].text;
      line.spans.push_back({padded(text, widths[i], column.right), cells[i].style});
    }
    lines.push_back(cut(std::move(line), width));
  };
  std::vector<Span> head;
  for (const TopColumn& column : table.columns) head.push_back({column.title, Style::kHead});
  add(head);
  for (const auto& row : table.rows) add(row);
  return lines;
}

std::string sparkline(const std::vector<double>& values, bool utf8) {
  constexpr std::array<const char*, 9> kBars = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  constexpr std::array<const char*, 9> kPlainBars = {" ", ".", ".", ":", "-", "=", "+", "*", "#"};
  double most = 0;
  for (const double value : values) most = std::max(most, value);
  std::string out;
  for (const double value : values) {
    const double share = most > 0 ? std::clamp(value / most, 0.0, 1.0) : 0;
    const auto bar = static_cast<std::size_t>(std::ceil(share * 8));  // what is there at all has a bar
    out += (utf8 ? kBars : kPlainBars)[bar];
  }
  return out;
}

}  // namespace stream
