#include "transport/record/buffer.h"

#include <algorithm>
#include <cstdlib>
#include <new>

namespace stream {

void ByteBuilder::Free::operator()(std::uint8_t* p) const { std::free(p); }

void ByteBuilder::grow(std::size_t at_least) {
  constexpr std::size_t kAlignment = 64;
  const std::size_t wanted = std::max({at_least, capacity_ * 2, kAlignment});
  const std::size_t capacity = (wanted + kAlignment - 1) / kAlignment * kAlignment;
  auto* fresh = static_cast<std::uint8_t*>(std::aligned_alloc(kAlignment, capacity));
  if (fresh == nullptr) throw std::bad_alloc();
  if (size_ != 0) std::memcpy(fresh, data_.get(), size_);
  data_.reset(fresh);
  capacity_ = capacity;
}

Buffer ByteBuilder::finish() {
  const std::uint8_t* data = data_.get();
  const std::size_t size = std::exchange(size_, 0);
  capacity_ = 0;
  std::shared_ptr<const void> owner(data_.release(), [](const void* p) { std::free(const_cast<void*>(p)); });
  return {std::move(owner), data, size};
}

}  // namespace stream
