#include "transport/send_window.h"

#include <algorithm>

namespace stream {
namespace {

constexpr Microseconds kMeasureOver = 5'000;  // long enough that coalesced credits average out
constexpr std::uint64_t kStart = 512 * 1024;

}  // namespace

SendWindow::SendWindow(std::uint64_t budget_bytes)
    : budget_(std::max(budget_bytes, kFloor)), window_(std::min(budget_, kStart)) {}

bool SendWindow::may_send() const { return frames_.empty() || (in_flight_ < window_ && frames_.size() < kFramesMax); }

void SendWindow::sent(std::uint64_t frame_bytes, Microseconds now) {
  if (frames_.empty()) busy_since_ = now;
  sent_ += frame_bytes;
  in_flight_ += frame_bytes + kFrameOverhead;
  frames_.push_back({sent_, frame_bytes + kFrameOverhead});
}

bool SendWindow::credited(std::uint64_t consumed_bytes, Microseconds now) {
  if (consumed_bytes < consumed_ || consumed_bytes > sent_) return false;
  consumed_ = consumed_bytes;
  std::uint64_t cost = 0;
  while (!frames_.empty() && frames_.front().behind <= consumed_) {
    cost += frames_.front().cost;
    frames_.pop_front();
  }
  in_flight_ -= cost;
  if (cost != 0) measure(cost, now);
  return true;
}

void SendWindow::measure(std::uint64_t cost, Microseconds now) {
  measured_cost_ += cost;
  measured_time_ += now - busy_since_;
  busy_since_ = now;
  // A slow receiver is measured by one long frame, a fast one over many.
  if (measured_time_ < kMeasureOver) return;
  const double rate = static_cast<double>(measured_cost_) / static_cast<double>(measured_time_);
  rate_ = rate_ == 0 ? rate : (rate_ + rate) / 2;
  measured_cost_ = 0;
  measured_time_ = 0;
  const auto wanted = static_cast<std::uint64_t>(rate_ * static_cast<double>(kTarget));
  window_ = std::clamp(wanted, kFloor, budget_);
}

}  // namespace stream
