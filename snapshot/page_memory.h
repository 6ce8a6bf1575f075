// PageMemory: zeroed memory straight from the kernel, in huge pages where it is large; see StateMemory where memory is
// bounded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

namespace stream {

class PageMemory {
 public:
  PageMemory() = default;
  explicit PageMemory(std::size_t size);
  PageMemory(PageMemory&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  PageMemory& operator=(PageMemory&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~PageMemory();

  std::uint8_t* data() const { return data_; }
  std::size_t size() const { return size_; }

 private:
  std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace stream
