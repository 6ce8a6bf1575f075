// InputBuffer: bytes between a file or pipe and a Decoder, with the padding a decoder needs.
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <string_view>

#include "stages/format/decoder.h"

namespace stream {

class InputBuffer {
 public:
  explicit InputBuffer(std::size_t capacity = 256 * 1024) { grow(capacity); }

  // At least `count` writable bytes behind the ones held. Bytes handed out before move.
  char* space(std::size_t count) {
    if (end_ + count > capacity_) make_room(count);
    return data_.get() + end_;
  }
  std::size_t room() const { return capacity_ - end_; }  // writable without moving anything
  void filled(std::size_t count) { end_ += count; }      // count bytes of space() are set

  void append(std::string_view bytes) {
    if (bytes.empty()) return;
    std::memcpy(space(bytes.size()), bytes.data(), bytes.size());
    filled(bytes.size());
  }

  // Valid until the next space().
  std::string_view bytes() const { return {data_.get() + begin_, end_ - begin_}; }
  void consume(std::size_t count) {
    begin_ += count;
    if (begin_ == end_) begin_ = end_ = 0;
  }
  void clear() { begin_ = end_ = 0; }

 private:
  void make_room(std::size_t count) {
    const std::size_t held = end_ - begin_;
    if (held + count > capacity_) return grow(std::max(held + count, capacity_ * 2));
    std::memmove(data_.get(), data_.get() + begin_, held);
    begin_ = 0;
    end_ = held;
  }

  void grow(std::size_t capacity) {
    auto fresh = std::make_unique_for_overwrite<char[]>(capacity + kInputPadding);
    const std::size_t held = end_ - begin_;
    if (held != 0) std::memcpy(fresh.get(), data_.get() + begin_, held);
    std::memset(fresh.get() + capacity, 0, kInputPadding);
    data_ = std::move(fresh);
    capacity_ = capacity;
    begin_ = 0;
    end_ = held;
  }

  std::unique_ptr<char[]> data_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace stream
