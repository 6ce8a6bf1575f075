// Text in columns for a screen of a certain size: what `stream top` draws, without a terminal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace stream {

enum class Style : std::uint8_t { kPlain, kDim, kBold, kHead, kGood, kWarning, kBad };

struct Span {
  std::string text;  // UTF-8
  Style style = Style::kPlain;
};

struct Line {
  std::vector<Span> spans;
  bool selected = false;
};

// How many cells of a terminal the text takes, by the locale of the process.
std::size_t cells_of(const std::string& text);
// Its beginning, of no more cells than that; what is no text becomes '?'.
std::string clip(const std::string& text, std::size_t cells);

struct TopColumn {
  std::string title;
  bool right = false;
  int spare = 0;       // a narrow screen does without the columns of the highest number first; 0: never
  bool fills = false;  // the last one: of kLeastFill cells, and of more where there is room; shows its end
};
inline constexpr std::size_t kLeastFill = 8;

struct TopTable {
  std::vector<TopColumn> columns;
  std::vector<std::vector<Span>> rows;  // a cell a column
};

// The head, then a line a row, none wider than `width`.
std::vector<Line> lines_of(const TopTable& table, std::size_t width);

// The newest values as bars, one cell each, the highest of all of them as high as a cell.
std::string sparkline(const std::vector<double>& values, bool utf8);

}  // namespace stream
