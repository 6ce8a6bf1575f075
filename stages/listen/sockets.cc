// Lines over TCP, and datagrams over UDP.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <vector>

#include "stages/listen/cutter.h"
#include "stages/listen/intake.h"

namespace stream::listen {
namespace {

constexpr std::size_t kReadBytes = 64 * 1024;
constexpr int kReadsAtOnce = 64;  // then another sender has its turn
constexpr int kBacklog = 512;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

std::string name_of(const sockaddr_storage& address, socklen_t size) {
  char host[NI_MAXHOST];
  char port[NI_MAXSERV];
  if (::getnameinfo(reinterpret_cast<const sockaddr*>(&address), size, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    return "?";
  }
  return std::string(host) + ":" + port;
}

Result<Descriptor> bound(const Address& address, int type) {
  addrinfo hints{};
  hints.ai_socktype = type;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  const std::string port = std::to_string(address.port);
  if (const int error = ::getaddrinfo(address.host.c_str(), port.c_str(), &hints, &found); error != 0) {
    return failed("unable to listen at '" + address.host + ":" + port + "': " + ::gai_strerror(error));
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(found, ::freeaddrinfo);
  Descriptor socket(::socket(found->ai_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int on = 1;
  if (socket.get() < 0 || ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      ::bind(socket.get(), found->ai_addr, found->ai_addrlen) != 0 ||
      (type == SOCK_STREAM && ::listen(socket.get(), kBacklog) != 0)) {
    return system_error("listen at", address.host + ":" + port, errno);
  }
  return socket;
}

class Sockets final : public Intake {
 public:
  Sockets(const IntakeOptions& options, Descriptor listener, Descriptor epoll)
      : options_(options), listener_(std::move(listener)), epoll_(std::move(epoll)), buffer_(kReadBytes, '\0') {
    watch(listener_.get());
  }

  int fd() const override { return epoll_.get(); }

  Status take(Inbox& inbox, Microseconds now) override {
    inbox_ = &inbox;
    now_ = now;
    epoll_event events[64];
    const int count = ::epoll_wait(epoll_.get(), events, 64, 0);
    for (int i = 0; i < count && !inbox.full(); ++i) {
      const int fd = events[i].data.fd;
      if (fd != listener_.get()) {
        read_from(fd);
      } else if (options_.address.protocol == Protocol::kUdp) {
        read_datagrams();
      } else {
        accept_all();
      }
    }
    return {};
  }

 private:
  struct Client {
    Descriptor socket;
    std::string peer;
    Cutter cutter;
  };

  void watch(int fd) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event);
  }

  void put(std::string_view peer, std::string_view payload, bool too_long) {
    inbox_->put(sealed({now_, peer, too_long, payload}));
  }

  void accept_all() {
    for (;;) {
      sockaddr_storage address{};
      socklen_t size = sizeof address;
      const int fd =
          ::accept4(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) return;  // nobody else waits, or there is no room for more: they wait
      clients_.try_emplace(
          fd, Client{Descriptor(fd), name_of(address, size), Cutter(options_.record_max, options_.address.syslog)});
      watch(fd);
    }
  }

  void read_from(int fd) {
    Client& client = clients_.at(fd);
    const auto on_record = [&](std::string_view record, bool too_long) { put(client.peer, record, too_long); };
    for (int reads = 0; reads < kReadsAtOnce && !inbox_->full(); ++reads) {
      const ssize_t count = ::read(fd, buffer_.data(), buffer_.size());
      if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
      if (count <= 0) {
        client.cutter.end(on_record);
        clients_.erase(fd);
        return;
      }
      client.cutter.add({buffer_.data(), static_cast<std::size_t>(count)}, on_record);
    }
  }

  // A datagram is one syslog message, or lines.
  void read_datagrams() {
    for (int reads = 0; reads < kReadsAtOnce && !inbox_->full(); ++reads) {
      sockaddr_storage address{};
      socklen_t size = sizeof address;
      const ssize_t count =
          ::recvfrom(listener_.get(), buffer_.data(), buffer_.size(), 0, reinterpret_cast<sockaddr*>(&address), &size);
      if (count < 0) return;
      const std::string_view datagram(buffer_.data(), static_cast<std::size_t>(count));
      const std::string peer = name_of(address, size);
      if (options_.address.syslog) {
        put(peer, datagram.substr(0, datagram.find_last_not_of("\r\n") + 1), false);
        continue;
      }
      Cutter cutter(options_.record_max, false);
      const auto on_record = [&](std::string_view record, bool too_long) { put(peer, record, too_long); };
      cutter.add(datagram, on_record);
      cutter.end(on_record);
    }
  }

  const IntakeOptions options_;
  const Descriptor listener_;
  const Descriptor epoll_;
  std::map<int, Client> clients_;
  std::string buffer_;
  Inbox* inbox_ = nullptr;  // of the running take()
  Microseconds now_ = 0;
};

}  // namespace

Result<std::unique_ptr<Intake>> open_sockets(const IntakeOptions& options) {
  STREAM_ASSIGN(Descriptor listener,
                bound(options.address, options.address.protocol == Protocol::kUdp ? SOCK_DGRAM : SOCK_STREAM));
  Descriptor epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (epoll.get() < 0) return system_error("make", "epoll", errno);
  return std::unique_ptr<Intake>(std::make_unique<Sockets>(options, std::move(listener), std::move(epoll)));
}

}  // namespace stream::listen
