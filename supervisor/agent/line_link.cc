#include "supervisor/agent/line_link.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace stream {
namespace {

constexpr std::size_t kLineMax = 16 << 20;

void never_block(int fd) { ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK); }

}  // namespace

LineLink::LineLink(int in, int out) : in_fd_(in), out_fd_(out) {
  never_block(in);
  never_block(out);
}

Status LineLink::read(std::vector<std::string>& lines) {
  char chunk[64 * 1024];
  bool ended = false;
  for (;;) {
    const ssize_t n = ::read(in_fd_, chunk, sizeof chunk);
    if (n < 0 && errno == EINTR) continue;
    ended = n == 0 || (n < 0 && errno != EAGAIN);
    if (n <= 0) break;
    in_.append(chunk, static_cast<std::size_t>(n));
    if (in_.size() > kLineMax && in_.find('\n') == std::string::npos) return corrupt("a line of over 16 MiB");
  }
  std::size_t begin = 0;
  for (std::size_t end = in_.find('\n'); end != std::string::npos; end = in_.find('\n', begin)) {
    lines.push_back(in_.substr(begin, end - begin));
    begin = end + 1;
  }
  in_.erase(0, begin);
  return ended ? Status(Code::kPeerGone, "the connection has ended") : Status();
}

void LineLink::send(const std::string& line) { out_.append(line).push_back('\n'); }

Status LineLink::flush() {
  while (!out_.empty()) {
    const ssize_t n = ::write(out_fd_, out_.data(), out_.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return {};
    if (n < 0) return {Code::kPeerGone, "the connection has ended"};
    out_.erase(0, static_cast<std::size_t>(n));
  }
  return {};
}

}  // namespace stream
