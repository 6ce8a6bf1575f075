// RemoteInterrupt: Ctrl-C at a command that a server runs, and that says how it ends. It is told by closing the half of
// the connection that goes there, and may speak on; who interrupts once more does not want to hear it.
#pragma once

#include <atomic>
#include <thread>

namespace stream {

class RemoteInterrupt {
 public:
  RemoteInterrupt();   // SIGINT and SIGTERM are taken from now on, by this process's later threads too
  ~RemoteInterrupt();  // … and are as they were
  RemoteInterrupt(const RemoteInterrupt&) = delete;

  void connected(int socket) { socket_ = socket; }
  int number() const { return number_; }  // of the signal that came; 0 = none

 private:
  void run();

  const int signals_;  // a signalfd
  const int over_;     // an eventfd
  std::atomic<int> socket_ = -1;
  std::atomic<int> number_ = 0;
  std::thread thread_;
};

}  // namespace stream
