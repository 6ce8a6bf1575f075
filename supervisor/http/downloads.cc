#include "supervisor/http/downloads.h"

#include <cstdio>
#include <filesystem>
#include <thread>

#include "snapshot/archive/open_savepoint.h"
#include "snapshot/archive/pack.h"
#include "supervisor/http/byte_sender.h"
#include "supervisor/http/submission.h"
#include "transport/base/files.h"

namespace stream::http {
namespace {

constexpr std::size_t kPieceBytes = 1 << 20;
constexpr Microseconds kStopPatience = 2'000'000;

Status send_file(const std::string& path, const ByteSink& sink) {
  for (std::uint64_t at = 0;;) {
    STREAM_ASSIGN(const std::string piece, system_files().read_at(path, at, kPieceBytes));
    if (piece.empty()) return {};
    STREAM_TRY(sink(piece));
    at += piece.size();
  }
}

// Where it breaks off, the end of the answer is missing.
Status send_savepoint(const SavepointWish& wish, ByteSender& sender) {
  const ByteSink sink = [&](std::string_view bytes) { return sender.send(bytes); };
  STREAM_TRY(is_archive(wish.path) ? send_file(wish.path, sink)
                                   : pack_into(system_files(), wish.path, wish.name, sink));
  return sender.finish();
}

// That there is one, before anything of it is sent.
Status look_at(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error))
    return {Code::kNotFound, "the files of the savepoint are gone: '" + path + "'"};
  return is_archive(path) ? Status() : load_savepoint(path).status();
}

}  // namespace

Downloads::~Downloads() { room_->stop(kStopPatience); }

Result<TakeOver> Downloads::begin(const SavepointWish& wish) {
  STREAM_TRY(check_savepoint_place(wish.path, permissions_));
  STREAM_TRY(look_at(wish.path));
  std::shared_ptr<Room::Place> place = Room::enter(room_);
  if (place == nullptr) {
    return Status(Code::kInterrupted, std::to_string(kDownloadsAtOnce) +
                                          " savepoints are being sent, the most at once; try again in a while");
  }
  return TakeOver([wish, place](std::unique_ptr<OpenEnd> end) {
    std::thread([wish, place, end = std::move(end)]() mutable {
      ByteSender sender(std::move(end), wish.chunks, place->stop(), kTakePatience);
      const Status sent = send_savepoint(wish, sender);
      if (sent.ok() || sent.code() == Code::kInterrupted) return;
      std::fprintf(stderr, "stream serve: warning: '%s' was not sent whole: %s\n", wish.name.c_str(),
                   sent.what().c_str());
    }).detach();
  });
}

}  // namespace stream::http
