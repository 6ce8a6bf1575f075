#include "snapshot/slot_map.h"

#include <algorithm>

namespace stream {

void SlotMap::grow(std::size_t more) {
  std::size_t wanted = std::max<std::size_t>(capacity(), 64);
  while ((size_ + more) * 5 > wanted * 3) wanted *= 2;
  PageMemory memory(wanted * sizeof(Slot));
  auto* slots = reinterpret_cast<Slot*>(memory.data());
  const std::size_t mask = wanted - 1;
  for (std::size_t i = 0; i < capacity(); ++i) {
    if (slots_[i].id_1 == 0) continue;
    std::size_t at = slots_[i].tag & mask;
    while (slots[at].id_1 != 0) at = (at + 1) & mask;
    slots[at] = slots_[i];
  }
  memory_ = std::move(memory);
  slots_ = slots;
  mask_ = mask;
}

// Moves later slots of the run back into the hole, so that no probe ever meets a gap.
void SlotMap::erase(std::size_t position) {
  std::size_t hole = position;
  for (std::size_t at = (hole + 1) & mask_; slots_[at].id_1 != 0; at = (at + 1) & mask_) {
    const std::size_t home = slots_[at].tag & mask_;
    if (((at - home) & mask_) < ((at - hole) & mask_)) continue;
    slots_[hole] = slots_[at];
    hole = at;
  }
  slots_[hole].id_1 = 0;
  --size_;
}

void SlotMap::clear() {
  memory_ = PageMemory();
  slots_ = nullptr;
  mask_ = 0;
  size_ = 0;
}

}  // namespace stream
