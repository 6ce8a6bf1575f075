// RecentList: which of a set of numbers were used last. Pure.
#pragma once

#include <cstdint>
#include <vector>

namespace stream {

class RecentList {
 public:
  static constexpr std::uint32_t kNone = UINT32_MAX;

  // A number that is not in the list, small ones first; it becomes the one used last.
  std::uint32_t add();
  // It is used now.
  void touch(std::uint32_t number);
  void remove(std::uint32_t number);
  // The one that was not used for longest; kNone if there is none.
  std::uint32_t oldest() const { return oldest_; }
  std::size_t size() const { return links_.size() - free_.size(); }

 private:
  struct Links {
    std::uint32_t older = kNone;
    std::uint32_t newer = kNone;
  };
  void link(std::uint32_t number);
  void unlink(std::uint32_t number);

  std::vector<Links> links_;
  std::vector<std::uint32_t> free_;
  std::uint32_t oldest_ = kNone;
  std::uint32_t newest_ = kNone;
};

}  // namespace stream
