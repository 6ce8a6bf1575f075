#include "cli/table.h"

#include <algorithm>
#include <cstdio>
#include <ctime>

#include "cli/terminal.h"

namespace stream {

namespace {

constexpr std::size_t kGap = 2;  // between two columns

}  // namespace

std::size_t terminal_width() { return terminal().columns; }
std::size_t terminal_height() { return terminal().rows; }

std::vector<std::size_t> Table::widths() const {
  std::vector<std::size_t> widths;
  for (const std::string& header : headers_) widths.push_back(header.size() - (header.starts_with('>') ? 1 : 0));
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  return widths;
}

std::vector<bool> Table::shown(const std::vector<std::size_t>& widths) const {
  std::vector<bool> shown(headers_.size(), true);
  const std::size_t limit = terminal_width();
  std::size_t total = (widths.size() - 1) * kGap;
  for (const std::size_t width : widths) total += width;
  for (const std::string& header : spared_) {
    if (limit == 0 || total <= limit) break;
    const auto i = static_cast<std::size_t>(std::ranges::find(headers_, header) - headers_.begin());
    shown[i] = false;
    total -= widths[i] + kGap;
  }
  return shown;
}

std::vector<std::string> Table::lines() const {
  const std::vector<std::size_t> widths = this->widths();
  const std::vector<bool> shown = this->shown(widths);
  const std::size_t limit = terminal_width();
  std::vector<std::string> out;
  const auto line = [&](const std::vector<std::string>& cells, bool head) {
    std::string text;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (!shown[i]) continue;
      const bool right = headers_[i].starts_with('>');
      const std::string cell = head && right ? cells[i].substr(1) : cells[i];
      const std::string pad(widths[i] - cell.size(), ' ');
      text += (text.empty() ? "" : std::string(kGap, ' ')) + (right ? pad + cell : cell + pad);
    }
    text.erase(text.find_last_not_of(' ') + 1);
    if (limit != 0 && text.size() > limit) text.resize(limit);
    out.push_back(std::move(text));
  };
  line(headers_, true);
  for (const auto& row : rows_) line(row, false);
  return out;
}

std::string Table::text() const {
  std::string out;
  for (const std::string& line : lines()) out += line + "\n";
  return out;
}

std::string short_number(double value) {
  const char* unit = "";
  for (const char* next : {"k", "M", "G", "T"}) {
    if (value < 1000) break;
    value /= 1000;
    unit = next;
  }
  char text[32];
  std::snprintf(text, sizeof text, *unit != 0 && value < 100 ? "%.1f%s" : "%.0f%s", value, unit);
  return text;
}

std::string local_time(Microseconds at_us) {
  if (at_us == 0) return "-";
  const std::time_t seconds = at_us / 1'000'000;
  std::tm parts{};
  ::localtime_r(&seconds, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts);
  return text;
}

}  // namespace stream
