// Room: how many threads may do something for requests at once, each with a connection of its own. They outlive the
// answer that has begun them, and are told when the server ends.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>

#include "transport/base/clock.h"

namespace stream::http {

class Room {
 public:
  // A place in it, for as long as this lives.
  class Place {
   public:
    explicit Place(std::shared_ptr<Room> room) : room_(std::move(room)) {}
    Place(const Place&) = delete;
    ~Place() { room_->leave(); }
    int stop() const { return room_->stop_; }  // an eventfd, readable when the server ends

   private:
    const std::shared_ptr<Room> room_;
  };

  explicit Room(std::size_t most);
  ~Room();
  Room(const Room&) = delete;

  // None where it is full, or the server ends.
  static std::unique_ptr<Place> enter(const std::shared_ptr<Room>& room);
  // Tells those who are in it, lets nobody in any more, and waits until it is empty.
  void stop(Microseconds patience);

 private:
  void leave();

  const std::size_t most_;
  const int stop_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t inside_ = 0;
  bool stopped_ = false;
};

}  // namespace stream::http
