// RowPin: keeps the rows of an append-only table as they are while a capture refers to them.
//
// What a capture names may have left before it, so while held() the table, on the loop thread, puts new rows
// into fresh memory only, whenever the free memory became free, and gives back no strings; it leaves its memory
// here when it drops all of it. Only the loop thread takes holds, so what is not held stays so while it works.
// Whoever writes the capture only reads, and nothing that it reads is written meanwhile: generation, NULL bits,
// values and strings of a row are set before a capture can name it, the live bit and the links are not read.
#pragma once

#include <atomic>
#include <memory>
#include <utility>
#include <vector>

#include "snapshot/row_pages.h"
#include "snapshot/string_heap.h"

namespace stream {

class RowPin {
 public:
  bool held() const { return holders_.load(std::memory_order_acquire) != 0; }
  // Memory that holders may refer to; it goes with the pin.
  void keep(RowPages pages, StringHeap heap) { kept_.emplace_back(std::move(pages), std::move(heap)); }

  // Any thread; the pin is held until the last copy is gone.
  static std::shared_ptr<const void> hold(const std::shared_ptr<RowPin>& pin) {
    return std::make_shared<const Holder>(pin);
  }

 private:
  class Holder {
   public:
    explicit Holder(std::shared_ptr<RowPin> pin) : pin_(std::move(pin)) { ++pin_->holders_; }
    Holder(const Holder&) = delete;
    Holder& operator=(const Holder&) = delete;
    ~Holder() { pin_->holders_.fetch_sub(1, std::memory_order_release); }

   private:
    std::shared_ptr<RowPin> pin_;
  };

  std::atomic<int> holders_ = 0;
  std::vector<std::pair<RowPages, StringHeap>> kept_;
};

}  // namespace stream
