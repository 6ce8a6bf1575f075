// The spool: bytes of an input that cannot be read again (standard input, …), kept on disk so that it can.
//
//   FOLDER/1795389772940991-00000000000000000000   bytes of input 1795389772940991 from byte 0 on
//   FOLDER/1795389772940991-00000000000001048576   … from byte 1,048,576 on
//   FOLDER/1795389772940991-length                 "N open N": so many bytes are durable, more may come
//   FOLDER/forgotten                               something has been deleted: no longer all that ever came
//
// An input is what one supervisor read: a number that rises from one to the next (microseconds since 1970
// when it began). Its bytes lie in segments, which are appended to and later deleted whole, oldest first;
// the first one stays as long as any other does, because a header may stand in it. Readers believe the
// length file and read nothing behind it. It is written in place, so it may be met half written: then the
// two numbers differ, and it is to be read again. Documented in stream-checkpoint(7).
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "transport/base/files.h"
#include "transport/base/status.h"

namespace stream {

struct SpoolPosition {
  std::uint64_t input = 0;   // 0: no position
  std::uint64_t offset = 0;  // bytes from the start of the input

  friend auto operator<=>(const SpoolPosition&, const SpoolPosition&) = default;
};

enum class SpoolState : std::uint8_t {
  kOpen,   // more may come
  kEnded,  // whole: the last record needs no line end
  kCut,    // whoever read it died or stopped: the last record may lack its rest
};

struct SpoolLength {
  std::uint64_t bytes = 0;
  SpoolState state = SpoolState::kOpen;

  friend bool operator==(const SpoolLength&, const SpoolLength&) = default;
};

std::string spool_length_text(const SpoolLength& length);
// Errors: kCorrupt for a text that is half written, or none.
Result<SpoolLength> parse_spool_length(std::string_view text);

std::string spool_length_name(std::uint64_t input);
std::string spool_segment_name(const SpoolPosition& begin);

// What a folder holds, in order; `segments` are the offsets at which they begin.
struct SpooledFiles {
  std::uint64_t input = 0;
  std::vector<std::uint64_t> segments;
};

// Of names in a spool folder; others are ignored. Pure.
std::vector<SpooledFiles> spooled_files(const std::vector<std::string>& names);

// Names of what nobody needs who reads from `keep` on: inputs before it, and its segments that end before
// it, but never its first. Pure.
std::vector<std::string> spool_garbage(const std::vector<SpooledFiles>& spool, const SpoolPosition& keep);

// A folder that does not exist holds nothing.
Result<std::vector<SpooledFiles>> list_spool(Files& files, const std::string& folder);
Result<SpoolLength> read_spool_length(Files& files, const std::string& folder, std::uint64_t input);

// True if nothing was ever deleted: it can be read from the very first byte.
Result<bool> spool_is_whole(Files& files, const std::string& folder);

// Deletes spool_garbage(). A crash leaves a spool that can be read from `keep` on.
Status forget_spool(Files& files, const std::string& folder, const SpoolPosition& keep);
// Deletes everything, the folder included.
Status clear_spool(Files& files, const std::string& folder);

// What an earlier process left open is cut where its bytes end, durably. Call before a new input begins.
Status cut_spool(Files& files, const std::string& folder);

}  // namespace stream
