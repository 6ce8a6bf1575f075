#include "supervisor/http/room.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>

namespace stream::http {

Room::Room(std::size_t most) : most_(most), stop_(::eventfd(0, EFD_CLOEXEC)) {}
Room::~Room() { ::close(stop_); }

std::unique_ptr<Room::Place> Room::enter(const std::shared_ptr<Room>& room) {
  const std::lock_guard lock(room->mutex_);
  if (room->stopped_ || room->inside_ >= room->most_) return nullptr;
  ++room->inside_;
  return std::make_unique<Place>(room);
}

void Room::leave() {
  const std::lock_guard lock(mutex_);
  --inside_;
  changed_.notify_all();
}

void Room::stop(Microseconds patience) {
  std::unique_lock lock(mutex_);
  if (!stopped_) {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t n = ::write(stop_, &one, sizeof one);
  }
  stopped_ = true;
  changed_.wait_for(lock, std::chrono::microseconds(patience), [this] { return inside_ == 0; });
}

}  // namespace stream::http
