// What to do about a followed file, decided from what is seen of it. Pure.
#pragma once

#include <cstdint>

namespace stream {

// What is seen of a followed file: the open descriptor, and what its name means now.
struct FollowView {
  bool grown = false;         // the descriptor's file is longer than what was read
  bool shrunk = false;        // … shorter
  bool head_changed = false;  // … and begins otherwise than before: emptied and written anew
  bool name_gone = false;     // nothing has the name
  bool name_moved = false;    // another file has the name
  bool idle_long = false;     // nothing was read from it for the time a writer may take to reopen
};

enum class FollowAction : std::uint8_t {
  kWait,       // nothing to do
  kRead,       // there are bytes
  kStartOver,  // truncated: what is there now is new from the first byte on
  kFinish,     // no one writes it any more: its last record is whole even without a newline; close it
};

// Rotation by renaming: the old file is read on until its writer has let go of it, while the new one, which
// has its name, is followed beside it. Copytruncate: start over. Deleted files are read to their end.
constexpr FollowAction decide(const FollowView& view) {
  if (view.shrunk || (view.grown && view.head_changed)) return FollowAction::kStartOver;
  if (view.grown) return FollowAction::kRead;
  if ((view.name_gone || view.name_moved) && view.idle_long) return FollowAction::kFinish;
  return FollowAction::kWait;
}

}  // namespace stream
