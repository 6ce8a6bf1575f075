// One accepted connection, plain or TLS, for httplib: buffered, and within bounds. A request must be there, and its
// answer be taken, within a time that no drip of bytes extends; its head has a size.
#pragma once

#include <httplib.h>
#include <poll.h>

#include <functional>

#include "supervisor/http/open_end.h"
#include "transport/base/clock.h"

namespace stream::http {

inline constexpr Microseconds kRequestTime = 10'000'000;  // to send a request
inline constexpr Microseconds kAnswerTime = 30'000'000;   // to take an answer
inline constexpr Microseconds kHurried = 1'000'000;       // the same of both, where others wait
inline constexpr std::size_t kHeadMax = 32U << 10;        // bytes

class Connection final : public httplib::Stream, public OpenEnd {
 public:
  // `crowded`: whether others wait for the thread that this one has.
  Connection(socket_t socket, SSL* tls, std::function<bool()> crowded)
      : socket_(socket), tls_(tls), crowded_(std::move(crowded)) {}
  Connection(const Connection&) = delete;
  // Says that nothing more comes, hears the other side out for a moment, and closes.
  ~Connection() override;

  bool shake_hands();  // of TLS
  // Waits for the first byte of a request. `go_on` is asked ten times a second.
  bool wait_for_request(Microseconds patience, const std::function<bool()>& go_on);
  void begin_request();                        // its head
  bool too_much() const { return too_much_; }  // more came than was to
  void begin_body(std::size_t most) { left_ = most; }
  void begin_answer();

  // What httplib writes from now on goes nowhere.
  void mute() { muted_ = true; }
  // The request is over, and a stream begins: with this head.
  bool begin_stream(const std::string& head);
  ssize_t send(const char* from, std::size_t size) override;
  bool hear() override;
  int descriptor() const override { return socket_; }
  short awaited() const override { return awaited_; }

  bool is_readable() const override { return true; }  // reading waits itself
  bool is_writable() const override { return true; }
  ssize_t read(char* to, std::size_t size) override;
  ssize_t write(const char* from, std::size_t size) override;
  void get_remote_ip_and_port(std::string& ip, int& port) const override;
  void get_local_ip_and_port(std::string& ip, int& port) const override;
  socket_t socket() const override { return socket_; }

 private:
  ssize_t fill();
  bool wait(short events, Microseconds until, Microseconds began) const;
  bool ready(short events, Microseconds patience) const;
  short events_wanted(int result) const;  // of TLS; 0 = it is over

  const socket_t socket_;
  SSL* const tls_;
  const std::function<bool()> crowded_;
  bool answered_ = false;
  bool muted_ = false;
  short awaited_ = POLLOUT;
  Microseconds began_ = 0;
  Microseconds deadline_ = 0;
  std::size_t left_ = kHeadMax;  // bytes that may be read
  bool too_much_ = false;
  char buffer_[4096];
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace stream::http
