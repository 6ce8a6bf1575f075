#include "stages/read-file/folder_watch.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <cstring>

namespace stream {
namespace {

constexpr std::uint32_t kNames = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_Q_OVERFLOW;

}  // namespace

FolderWatch::FolderWatch(const std::string& folder) : fd_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
  if (fd_ >= 0 && ::inotify_add_watch(fd_, folder.c_str(), kNames | IN_MODIFY) < 0) {
    ::close(fd_);
    fd_ = -1;
  }
}

FolderWatch::~FolderWatch() {
  if (fd_ >= 0) ::close(fd_);
}

bool FolderWatch::take_events() {
  bool names = false;
  alignas(inotify_event) char bytes[16384];
  for (ssize_t count = 0; fd_ >= 0 && (count = ::read(fd_, bytes, sizeof bytes)) > 0;) {
    for (const char* p = bytes; p < bytes + count;) {
      inotify_event event{};
      std::memcpy(&event, p, sizeof event);
      names = names || (event.mask & kNames) != 0;
      p += sizeof event + event.len;
    }
  }
  return names;
}

}  // namespace stream
