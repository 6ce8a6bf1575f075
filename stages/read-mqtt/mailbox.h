// Mailbox: the inbox between the client's thread, which puts messages into it and waits until they are durable before
// the broker hears that they came, and the loop's, which reads them. And which packet ids of QoS 2 are held.
//
// A message of QoS 2 is put when it comes, and its packet id is held until the broker lets go of it; that is put as a
// record too, before the broker is told. So what the broker sends again in between is known.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>

#include "stages/kit/inbox.h"
#include "stages/read-mqtt/letter.h"

namespace stream::mqtt {

class Mailbox {
 public:
  Mailbox(const std::string& folder, const Clock& clock, Inbox::Say say);
  ~Mailbox();
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  // --- the client's thread. They return when what was put is durable, and never if it cannot be.
  void take(const Letter& letter);
  void take_held(const Letter& letter);  // but what was sent again while its id is held
  void release(std::uint16_t packet);
  void release_all();  // the broker knows of no session
  Held held();

  // --- the loop's thread.
  Status start(SpoolPosition from);
  void hold(Held held);  // before the client connects
  Status serve();
  void close();  // nothing more is put: the client's thread waits from now on
  Result<bool> read(std::size_t bytes_max, const Inbox::Visit& visit);
  SpoolPosition position();
  int wake_fd() const { return wake_fd_; }  // readable: call serve()

 private:
  void put(std::unique_lock<std::mutex>& lock, const std::string& record, bool wait);

  std::mutex mutex_;
  std::condition_variable changed_;
  Inbox inbox_;  // from here on guarded by mutex_
  const Clock& clock_;
  Held held_;
  Status error_;
  bool closed_ = false;
  const int put_fd_;  // something was put
  const int wake_fd_;
};

}  // namespace stream::mqtt
