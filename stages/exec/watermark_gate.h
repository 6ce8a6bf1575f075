// WatermarkGate: how far event time has come in what has been answered. A watermark holds for the rows before it, so it
// passes when they have. Pure.
#pragma once

#include <cstdint>
#include <deque>

#include "stages/kit/stage.h"

namespace stream {

class WatermarkGate {
 public:
  void received(std::uint64_t rows) { received_ += rows; }
  void answered(std::uint64_t rows) {
    answered_ += rows;
    for (; !marks_.empty() && marks_.front().rows <= answered_; marks_.pop_front()) passed_ = marks_.front().watermark;
  }
  void watermark(Microseconds watermark) {
    if (answered_ == received_) {
      passed_ = watermark;
    } else if (!marks_.empty() && marks_.back().rows == received_) {
      marks_.back().watermark = watermark;
    } else {
      marks_.push_back({received_, watermark});
    }
  }
  // What may be promised when the input has come to `newest`.
  Microseconds passed(Microseconds newest) const { return answered_ == received_ ? newest : passed_; }

 private:
  struct Mark {
    std::uint64_t rows = 0;
    Microseconds watermark = 0;
  };
  std::uint64_t received_ = 0;
  std::uint64_t answered_ = 0;
  Microseconds passed_ = kNoWatermark;
  std::deque<Mark> marks_;
};

}  // namespace stream
