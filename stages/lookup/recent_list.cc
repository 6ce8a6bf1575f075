#include "stages/lookup/recent_list.h"

namespace stream {

void RecentList::link(std::uint32_t number) {
  links_[number] = {newest_, kNone};
  if (newest_ == kNone) {
    oldest_ = number;
  } else {
    links_[newest_].newer = number;
  }
  newest_ = number;
}

void RecentList::unlink(std::uint32_t number) {
  const Links links = links_[number];
  if (links.older == kNone) {
    oldest_ = links.newer;
  } else {
    links_[links.older].newer = links.newer;
  }
  if (links.newer == kNone) {
    newest_ = links.older;
  } else {
    links_[links.newer].older = links.older;
  }
}

std::uint32_t RecentList::add() {
  std::uint32_t number = 0;
  if (free_.empty()) {
    number = static_cast<std::uint32_t>(links_.size());
    links_.emplace_back();
  } else {
    number = free_.back();
    free_.pop_back();
  }
  link(number);
  return number;
}

void RecentList::touch(std::uint32_t number) {
  if (number == newest_) return;
  unlink(number);
  link(number);
}

void RecentList::remove(std::uint32_t number) {
  unlink(number);
  free_.push_back(number);
}

}  // namespace stream
