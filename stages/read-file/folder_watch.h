// FolderWatch: wakes a follower when something happens to the files of a folder (inotify).
//
// A hint, not a source of truth: network file systems and folders made later say nothing, so a follower
// looks by itself now and then as well.
#pragma once

#include <string>

#include "transport/base/status.h"

namespace stream {

class FolderWatch {
 public:
  explicit FolderWatch(const std::string& folder);
  ~FolderWatch();
  FolderWatch(const FolderWatch&) = delete;
  FolderWatch& operator=(const FolderWatch&) = delete;

  int fd() const { return fd_; }  // readable = something happened; -1 = no inotify here

  // Takes the events off the descriptor. True if names came, went or moved.
  bool take_events();

 private:
  int fd_;
};

}  // namespace stream
