#include "stages/listen/cutter.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace stream::listen {
namespace {

constexpr std::size_t kLengthDigitsMax = 10;

std::string_view without_return(std::string_view line) {
  return line.ends_with('\r') ? line.substr(0, line.size() - 1) : line;
}

}  // namespace

void Cutter::skip() {
  const std::size_t size = static_cast<std::size_t>(std::min<std::uint64_t>(to_skip_, held_.size() - begin_));
  begin_ += size;
  to_skip_ -= size;
}

// True if a record was cut, or its rest dropped: there may be another.
bool Cutter::cut_line(const OnRecord& on_record) {
  const std::size_t end = held_.find('\n', begin_ + searched_);
  const std::size_t size = (end == std::string::npos ? held_.size() : end) - begin_;
  if (end == std::string::npos && size <= record_max_) {
    searched_ = size;
    return false;
  }
  const std::string_view line(held_.data() + begin_, size);
  const bool skipped = std::exchange(skipping_, end == std::string::npos);
  if (!skipped && size > record_max_) {
    on_record(line.substr(0, record_max_), true);
  } else if (!skipped && !without_return(line).empty()) {
    on_record(without_return(line), false);
  }
  begin_ += size + (end == std::string::npos ? 0 : 1);
  searched_ = 0;
  return end != std::string::npos;
}

bool Cutter::cut_counted(const OnRecord& on_record) {
  const std::string_view left = std::string_view(held_).substr(begin_);
  std::uint64_t size = 0;
  const char* last = left.data() + std::min(left.size(), kLengthDigitsMax + 1);
  const auto [end, error] = std::from_chars(left.data(), last, size);
  if (error != std::errc() || (end != last && *end != ' ')) return cut_line(on_record);  // a number that is text
  if (end == last) return left.size() > kLengthDigitsMax && cut_line(on_record);
  const auto head = static_cast<std::size_t>(end - left.data()) + 1;
  if (size > record_max_) {
    if (left.size() - head < record_max_) return false;
    on_record(left.substr(head, record_max_), true);
    to_skip_ = head + size;
    skip();
    return to_skip_ == 0;
  }
  if (left.size() - head < size) return false;
  on_record(left.substr(head, size), false);
  begin_ += head + size;
  return true;
}

void Cutter::add(std::string_view bytes, const OnRecord& on_record) {
  held_ += bytes;
  skip();
  while (begin_ < held_.size() && to_skip_ == 0) {
    const char first = held_[begin_];
    const bool counted = counted_ && !skipping_ && searched_ == 0 && first >= '1' && first <= '9';
    if (!(counted ? cut_counted(on_record) : cut_line(on_record))) break;
  }
  held_.erase(0, std::exchange(begin_, 0));
}

void Cutter::end(const OnRecord& on_record) {
  const std::string_view left = without_return(held_);
  const bool drops = skipping_ || to_skip_ > 0;
  if (!drops && !left.empty()) on_record(left.substr(0, record_max_), left.size() > record_max_);
  held_.clear();
}

}  // namespace stream::listen
