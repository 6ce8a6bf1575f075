// Downloads: savepoints that are sent to who asks for them, as the archive that `stream savepoint --archive` makes.
// They are packed while they are sent: neither memory nor a disk ever holds the archive.
#pragma once

#include <memory>
#include <string>

#include "supervisor/http/room.h"
#include "supervisor/http/settings.h"
#include "supervisor/http/streams.h"

namespace stream::http {

inline constexpr std::size_t kDownloadsAtOnce = 8;
inline constexpr Microseconds kTakePatience = 60'000'000;  // without a byte taken; then the client is given up

class Downloads {
 public:
  explicit Downloads(Permissions permissions)
      : permissions_(std::move(permissions)), room_(std::make_shared<Room>(kDownloadsAtOnce)) {}
  ~Downloads();

  // Errors: as check_savepoint_place(), kNotFound where its files are gone, kCorrupt, kInterrupted where too many are
  // being sent.
  Result<TakeOver> begin(const SavepointWish& wish);

 private:
  const Permissions permissions_;
  const std::shared_ptr<Room> room_;
};

}  // namespace stream::http
