// ErrorLines: what a program writes to its standard error: talk, for the log, and counts, for the statistics.
//
//   {"_counter": "cache-hits", "add": 3}     `add` is 1 where it is missing
//   {"_gauge": "queue", "value": 17.5}
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <string_view>

#include "stages/kit/user_metrics.h"

namespace stream {

class ErrorLines {
 public:
  using Log = std::function<void(std::string_view line)>;
  ErrorLines(UserMetrics& metrics, Log log) : metrics_(metrics), log_(std::move(log)) {}

  void add(std::string_view bytes);
  // The program has ended: what it wrote without a line end is a line too.
  void finish();
  // Its last words, in one line; "" if it said nothing.
  std::string last() const;
  void forget() { last_.clear(); }

 private:
  void on_line(std::string_view line);
  bool on_metric(std::string_view line);

  UserMetrics& metrics_;
  Log log_;
  std::string begun_;
  std::deque<std::string> last_;
};

}  // namespace stream
