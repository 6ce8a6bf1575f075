#include "supervisor/http/outbox.h"

namespace stream::http {

bool Outbox::push(Frame frame, Microseconds now) {
  if (frames_.empty()) taken_us_ = now;
  if (!frames_.empty() && bytes_ + frame->size() > most_) return false;
  bytes_ += frame->size();
  frames_.push_back(std::move(frame));
  return true;
}

std::string_view Outbox::front() const {
  return frames_.empty() ? std::string_view() : std::string_view(*frames_.front()).substr(begin_);
}

void Outbox::took(std::size_t count, Microseconds now) {
  if (count == 0) return;
  taken_us_ = now;
  bytes_ -= count;
  begin_ += count;
  while (!frames_.empty() && begin_ >= frames_.front()->size()) {
    begin_ -= frames_.front()->size();
    frames_.pop_front();
  }
}

}  // namespace stream::http
