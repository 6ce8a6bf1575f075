// Buffer: immutable bytes that several columns and batches may share.
// ByteBuilder: growable bytes, 64-byte aligned, that become a Buffer without a copy.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <utility>

namespace stream {

class Buffer {
 public:
  Buffer() = default;
  // `owner` keeps [data, data + size) alive; null for memory that outlives every reader.
  Buffer(std::shared_ptr<const void> owner, const std::uint8_t* data, std::size_t size)
      : owner_(std::move(owner)), data_(data), size_(size) {}

  const std::uint8_t* data() const { return data_; }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  // What keeps the bytes alive; share it to refer to a part of them.
  const std::shared_ptr<const void>& owner() const { return owner_; }
  template <class T>
  const T* as() const {
    return reinterpret_cast<const T*>(data_);
  }

 private:
  std::shared_ptr<const void> owner_;
  const std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
};

class ByteBuilder {
 public:
  ByteBuilder() = default;
  explicit ByteBuilder(std::size_t capacity) { reserve(capacity); }

  std::size_t size() const { return size_; }
  std::uint8_t* data() { return data_.get(); }
  const std::uint8_t* data() const { return data_.get(); }

  void reserve(std::size_t capacity) {
    if (capacity > capacity_) grow(capacity);
  }

  // Adds `count` bytes whose content is not set; returns where they start.
  std::uint8_t* extend(std::size_t count) {
    if (size_ + count > capacity_) grow(size_ + count);
    std::uint8_t* start = data_.get() + size_;
    size_ += count;
    return start;
  }

  void append(const void* bytes, std::size_t count) {
    if (count != 0) std::memcpy(extend(count), bytes, count);
  }

  template <class T>
  void append_value(const T& value) {
    std::memcpy(extend(sizeof(T)), &value, sizeof(T));
  }

  // Drops everything behind the first `size` bytes.
  void shrink(std::size_t size) { size_ = size; }

  // Hands the bytes over and leaves the builder empty.
  Buffer finish();

 private:
  struct Free {
    void operator()(std::uint8_t* p) const;
  };
  void grow(std::size_t at_least);

  std::unique_ptr<std::uint8_t, Free> data_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace stream
