// Aligned columns for people.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "transport/base/clock.h"

namespace stream {

class Table {
 public:
  // A header beginning with '>' stands right.
  // `spared`: headers of the columns a narrow terminal does without, the first one first.
  explicit Table(std::vector<std::string> headers, std::vector<std::string> spared = {})
      : headers_(std::move(headers)), spared_(std::move(spared)) {}
  void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  // Of which none is wider than the terminal, where there is one.
  std::vector<std::string> lines() const;
  std::string text() const;  // all of them, each with its end

 private:
  std::vector<std::size_t> widths() const;
  std::vector<bool> shown(const std::vector<std::size_t>& widths) const;

  std::vector<std::string> headers_;
  std::vector<std::string> spared_;
  std::vector<std::vector<std::string>> rows_;
};

std::size_t terminal_width();                // 0 = standard output is no terminal
std::size_t terminal_height();               // the same
std::string short_number(double value);      // 1234567 -> "1.2M"
std::string local_time(Microseconds at_us);  // "2026-11-22 20:30:00"; "-" for 0

}  // namespace stream
