#include "supervisor/tap_listener.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <vector>

#include "transport/base/json_fields.h"

namespace stream {

Result<std::unique_ptr<TapListener>> TapListener::make(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return system_error("make", path, ENAMETOOLONG);
  std::memcpy(address.sun_path, path.c_str(), path.size());
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return system_error("make", "socket", errno);
  ::unlink(path.c_str());
  std::unique_ptr<TapListener> listener(new TapListener(path, fd));
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 || ::listen(fd, SOMAXCONN) != 0) {
    return system_error("make", path, errno);
  }
  return listener;
}

TapListener::~TapListener() {
  for (const auto& [fd, reader] : readers_) ::close(fd);
  ::close(fd_);
  ::unlink(path_.c_str());
}

Result<bool> TapListener::wait(int milliseconds, const std::function<bool(const Line&)>& take) {
  std::vector<pollfd> wait = {{1, 0, 0}};
  add_to(wait);
  if (::poll(wait.data(), wait.size(), milliseconds) < 0 && errno != EINTR) return system_error("poll", "taps", errno);
  if ((wait[0].revents & POLLERR) != 0) return false;
  return take_ready(std::span(wait).subspan(1), take);
}

void TapListener::add_to(std::vector<pollfd>& wait) const {
  wait.push_back({fd_, POLLIN, 0});
  for (const auto& [fd, reader] : readers_) wait.push_back({fd, POLLIN, 0});
}

bool TapListener::take_ready(std::span<const pollfd> ready, const std::function<bool(const Line&)>& take) {
  if (ready.front().revents != 0) accept_all();
  for (const pollfd& one : ready.subspan(1)) {
    if (one.revents != 0 && !read_from(one.fd, take)) return false;
  }
  return true;
}

void TapListener::accept_all() {
  for (int fd = 0; (fd = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0;) readers_[fd] = {};
}

bool TapListener::read_from(int fd, const std::function<bool(const Line&)>& take) {
  char chunk[64 * 1024];
  const ssize_t n = ::read(fd, chunk, sizeof chunk);
  if (n > 0) {
    readers_[fd].partial.append(chunk, static_cast<std::size_t>(n));
    return take_lines(readers_[fd], take);
  }
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return true;
  ::close(fd);
  readers_.erase(fd);
  return true;
}

bool TapListener::take_lines(Reader& reader, const std::function<bool(const Line&)>& take) {
  std::size_t begin = 0;
  for (std::size_t end = 0; (end = reader.partial.find('\n', begin)) != std::string::npos; begin = end + 1) {
    if (end == begin) continue;
    const char kind = reader.partial[begin];
    const std::string text = reader.partial.substr(begin + 1, end - begin - 1);
    if (kind == 'H') {
      const auto head = nlohmann::json::parse(text, nullptr, false);
      if (head.is_object()) reader.instance = text_at(head, "instance");
    } else if (!take({reader.instance, kind, text})) {
      return false;
    }
  }
  reader.partial.erase(0, begin);
  return true;
}

}  // namespace stream
