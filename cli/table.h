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
  explicit Table(std::vector<std::string> headers) : headers_(std::move(headers)) {}
  void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  std::string text() const;  // lines cut to the terminal's width where there is one

 private:
  std::vector<std::string> headers_;
  std::vector<std::vector<std::string>> rows_;
};

std::size_t terminal_width();                // 0 = standard output is no terminal
std::string short_number(double value);      // 1234567 -> "1.2M"
std::string local_time(Microseconds at_us);  // "2026-11-22 20:30:00"; "-" for 0

}  // namespace stream
