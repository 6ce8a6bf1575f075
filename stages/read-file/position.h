// Position: how far one split has been read; a row of the state table `splits`.
//
// A file is known by its path and the hash of its first KiB (less, where it was shorter): device and
// inode only say where to look first when the name has gone to another file.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "snapshot/split_hash.h"
#include "transport/record/schema.h"

namespace stream {

inline constexpr std::int64_t kToEnd = INT64_MAX;  // `end` of a file that is not split

struct Position {
  std::string path;
  std::int64_t begin = 0;     // of the split, in bytes; in follow mode how often the name went to a new file
  std::int64_t end = kToEnd;  // records that start before it belong to the split
  std::int64_t offset = 0;    // of the first record not yet emitted; in compressed files of the bytes within
  bool done = false;
  std::int64_t head_size = 0;  // bytes that head_hash covers
  std::int64_t head_hash = 0;
  std::int64_t device = 0;
  std::int64_t inode = 0;
  std::int64_t records = 0;  // emitted of the block at `offset`, in formats whose records stand in blocks

  friend bool operator==(const Position&, const Position&) = default;
};

// The columns of `splits`: the key (path, begin), then the values in the order above.
std::vector<Field> position_key();
std::vector<Field> position_value();

// Which instance of `parallelism` reads the split: a pure function, so no state is needed to agree.
std::uint32_t split_owner(const Position& split, std::uint32_t parallelism);

}  // namespace stream
