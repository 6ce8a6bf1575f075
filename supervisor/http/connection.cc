#include "supervisor/http/connection.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace stream::http {
namespace {

constexpr Microseconds kHearOut = 500'000;
constexpr Microseconds kSlice = 100'000;
constexpr std::size_t kHearOutBytes = 16U << 20;

void name_of(const sockaddr_storage& address, std::string& ip, int& port) {
  char text[INET6_ADDRSTRLEN] = {};
  if (address.ss_family == AF_INET6) {
    const auto& in = reinterpret_cast<const sockaddr_in6&>(address);
    ::inet_ntop(AF_INET6, &in.sin6_addr, text, sizeof text);
    port = ntohs(in.sin6_port);
  } else if (address.ss_family == AF_INET) {
    const auto& in = reinterpret_cast<const sockaddr_in&>(address);
    ::inet_ntop(AF_INET, &in.sin_addr, text, sizeof text);
    port = ntohs(in.sin_port);
  }
  ip = text;
}

}  // namespace

// A close with bytes unread would make the other side lose the answer.
Connection::~Connection() {
  if (tls_ != nullptr) {
    SSL_shutdown(tls_);
    SSL_free(tls_);
  }
  ::shutdown(socket_, SHUT_WR);
  const Microseconds until = system_clock().monotonic_us() + (answered_ ? kHearOut : 0);
  for (std::size_t heard = 0; heard < kHearOutBytes && ready(POLLIN, until - system_clock().monotonic_us());) {
    const ssize_t got = ::recv(socket_, buffer_, sizeof buffer_, MSG_DONTWAIT);
    if (got <= 0) break;
    heard += static_cast<std::size_t>(got);
  }
  ::close(socket_);
}

bool Connection::ready(short events, Microseconds patience) const {
  if (patience <= 0) return false;
  pollfd one{socket_, events, 0};
  return ::poll(&one, 1, static_cast<int>(patience / 1000 + 1)) > 0;
}

// `began`: what it takes too long for, where others wait.
bool Connection::wait(short events, Microseconds until, Microseconds began) const {
  for (;;) {
    const Microseconds now = system_clock().monotonic_us();
    if (now >= until || (now - began >= kHurried && crowded_())) return false;
    if (ready(events, std::min(kSlice, until - now))) return true;
  }
}

short Connection::events_wanted(int result) const {
  switch (SSL_get_error(tls_, result)) {
    case SSL_ERROR_WANT_READ: return POLLIN;
    case SSL_ERROR_WANT_WRITE: return POLLOUT;
    default: return 0;
  }
}

bool Connection::shake_hands() {
  if (tls_ == nullptr) return true;
  const Microseconds began = system_clock().monotonic_us();
  for (;;) {
    ERR_clear_error();
    const int result = SSL_accept(tls_);
    if (result == 1) return true;
    const short events = events_wanted(result);
    if (events == 0 || !wait(events, began + kRequestTime, began)) return false;
  }
}

bool Connection::wait_for_request(Microseconds patience, const std::function<bool()>& go_on) {
  if (begin_ < end_ || (tls_ != nullptr && SSL_pending(tls_) > 0)) return true;
  const Microseconds until = system_clock().monotonic_us() + patience;
  while (go_on()) {
    const Microseconds left = until - system_clock().monotonic_us();
    if (left <= 0) return false;
    if (ready(POLLIN, std::min(kSlice, left))) return true;
  }
  return false;
}

void Connection::begin_request() {
  began_ = system_clock().monotonic_us();
  deadline_ = began_ + kRequestTime;
  left_ = kHeadMax;
  too_much_ = false;
}

void Connection::begin_answer() {
  answered_ = true;
  deadline_ = system_clock().monotonic_us() + kAnswerTime;
}

ssize_t Connection::fill() {
  for (;;) {
    short events = POLLIN;
    if (tls_ == nullptr) {
      const ssize_t got = ::recv(socket_, buffer_, sizeof buffer_, MSG_DONTWAIT);
      if (got >= 0) return got;
      if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) return -1;
    } else {
      ERR_clear_error();
      const int got = SSL_read(tls_, buffer_, sizeof buffer_);
      if (got > 0) return got;
      events = events_wanted(got);
      if (events == 0) return -1;
    }
    if (!wait(events, deadline_, began_)) return -1;
  }
}

ssize_t Connection::read(char* to, std::size_t size) {
  if (begin_ == end_) {
    const ssize_t got = fill();
    if (got <= 0) return got;
    begin_ = 0;
    end_ = static_cast<std::size_t>(got);
  }
  const std::size_t count = std::min(size, end_ - begin_);
  too_much_ = count > left_;
  if (too_much_) return -1;
  left_ -= count;
  std::memcpy(to, buffer_ + begin_, count);
  begin_ += count;
  return static_cast<ssize_t>(count);
}

ssize_t Connection::send(const char* from, std::size_t size) {
  awaited_ = POLLOUT;
  if (tls_ == nullptr) {
    const ssize_t sent = ::send(socket_, from, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent >= 0) return sent;
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? 0 : -1;
  }
  ERR_clear_error();
  const int sent = SSL_write(tls_, from, static_cast<int>(std::min<std::size_t>(size, 1U << 20)));
  if (sent > 0) return sent;
  awaited_ = events_wanted(sent);
  return awaited_ == 0 ? -1 : 0;
}

ssize_t Connection::write(const char* from, std::size_t size) {
  if (muted_) return static_cast<ssize_t>(size);
  for (;;) {
    const ssize_t sent = send(from, size);
    if (sent != 0 || size == 0) return sent;
    if (!wait(awaited_, deadline_, system_clock().monotonic_us())) return -1;
  }
}

bool Connection::begin_stream(const std::string& head) {
  constexpr int kUnsentMax = 256 << 10;  // bytes; what waits is to be seen as waiting
  muted_ = false;
  answered_ = false;  // it ends without a farewell
  ::setsockopt(socket_, SOL_SOCKET, SO_SNDBUF, &kUnsentMax, sizeof kUnsentMax);
  for (std::size_t at = 0; at < head.size();) {
    const ssize_t sent = write(head.data() + at, head.size() - at);
    if (sent <= 0) return false;
    at += static_cast<std::size_t>(sent);
  }
  return true;
}

bool Connection::hear() {
  for (int i = 0; i < 16; ++i) {
    if (tls_ == nullptr) {
      const ssize_t got = ::recv(socket_, buffer_, sizeof buffer_, MSG_DONTWAIT);
      if (got < 0) return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
      if (got == 0) return false;
    } else {
      ERR_clear_error();
      const int got = SSL_read(tls_, buffer_, sizeof buffer_);
      if (got <= 0) return events_wanted(got) != 0;
    }
  }
  return true;
}

void Connection::get_remote_ip_and_port(std::string& ip, int& port) const {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (::getpeername(socket_, reinterpret_cast<sockaddr*>(&address), &length) == 0) name_of(address, ip, port);
}

void Connection::get_local_ip_and_port(std::string& ip, int& port) const {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &length) == 0) name_of(address, ip, port);
}

}  // namespace stream::http
