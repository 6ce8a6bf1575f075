// TimePattern: to_char's patterns for an instant, such as 'YYYY-MM-DD HH24:MI', read once for many instants.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "stages/expression/temporal.h"

namespace stream::expression {

class TimePattern {
 public:
  // Null, or the reason why the pattern is refused.
  const char* parse(std::string_view pattern);

  void append(std::int64_t us, std::string& out) const;
  // The text is the same for all instants from a multiple of the step to the next: a minute for 'HH24:MI'.
  std::int64_t step() const { return step_; }

 private:
  struct Piece {
    int id = -1;  // of the table of patterns; -1: `text` as it is
    bool fill = true;
    std::string text;
  };
  void add_text(std::string_view text);

  std::vector<Piece> pieces_;
  std::int64_t step_ = kDayUs;
};

}  // namespace stream::expression
