// SlotMap: open addressing with linear probing from a hash to a row id. A slot holds the low 32
// bits of the hash and the id; who owns the rows decides by an `equal(id)` whether it is the one.
#pragma once

#include <cstdint>
#include <span>

#include "snapshot/page_memory.h"
#include "snapshot/row_layout.h"

namespace stream {

class SlotMap {
 public:
  struct Slot {
    std::uint32_t tag;
    std::uint32_t id_1;                            // one more than the id; 0 = empty, so that fresh memory is
    std::uint32_t id() const { return id_1 - 1; }  // kNoRow = empty
  };

  std::size_t size() const { return size_; }
  std::size_t size_bytes() const { return slots_ == nullptr ? 0 : (mask_ + 1) * sizeof(Slot); }

  // Makes room so that `more` inserts move nothing.
  void reserve(std::size_t more) {
    if ((size_ + more) * 5 > capacity() * 3) grow(more);
  }
  std::size_t capacity() const { return slots_ == nullptr ? 0 : mask_ + 1; }

  // A copy of what lookups need, good until the next insert or erase; as a local it stays in
  // registers.
  struct Probe {
    const Slot* slots;
    std::size_t mask;
    // The first row whose slot has the hash's tag: almost surely the one looked for. kNoRow if none.
    std::uint32_t likely(std::uint64_t hash) const {
      const auto tag = static_cast<std::uint32_t>(hash);
      std::size_t at = hash & mask;
      while (slots[at].id_1 != 0 && slots[at].tag != tag) at = (at + 1) & mask;
      return slots[at].id();
    }
  };
  Probe probe() const { return {slots_, mask_}; }

  void prefetch(std::uint64_t hash) const { __builtin_prefetch(slots_ + (hash & mask_)); }
  void prefetch(std::span<const std::uint64_t> hashes) const {
    const Probe local = probe();
    for (const std::uint64_t hash : hashes) __builtin_prefetch(local.slots + (hash & local.mask));
  }

  // Position of the row that `equal` accepts, or of the empty slot where it belongs. Needs capacity.
  template <class Equal>
  std::size_t locate(std::uint64_t hash, const Equal& equal) const {
    const auto tag = static_cast<std::uint32_t>(hash);
    std::size_t at = hash & mask_;
    while (slots_[at].id_1 != 0 && !(slots_[at].tag == tag && equal(slots_[at].id()))) at = (at + 1) & mask_;
    return at;
  }
  template <class Equal>
  std::uint32_t find(std::uint64_t hash, const Equal& equal) const {
    return slots_ == nullptr ? kNoRow : slots_[locate(hash, equal)].id();
  }

  std::uint32_t at(std::size_t position) const { return slots_[position].id(); }
  // Position of a row that is there; `tag`: the low 32 bits of its hash.
  std::size_t position_of(std::uint32_t tag, std::uint32_t id) const {
    std::size_t at = tag & mask_;
    while (slots_[at].id() != id) at = (at + 1) & mask_;
    return at;
  }
  void put(std::size_t position, std::uint64_t hash, std::uint32_t id) {
    slots_[position] = {static_cast<std::uint32_t>(hash), id + 1};
    ++size_;
  }
  void replace(std::size_t position, std::uint32_t id) { slots_[position].id_1 = id + 1; }
  void erase(std::size_t position);
  void clear();

 private:
  void grow(std::size_t more);

  PageMemory memory_;
  Slot* slots_ = nullptr;
  std::size_t mask_ = 0;
  std::size_t size_ = 0;
};

}  // namespace stream
