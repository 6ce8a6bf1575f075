// Whole files to storage and back, in bounded memory.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "storage/object_store.h"

namespace stream {

struct PartRange {
  std::uint32_t number = 0;  // from 1
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

// How an object of `size` bytes goes up: no parts for one that goes as a whole, else parts of `part_bytes`, which are
// larger where there would be more than S3 takes. Pure.
std::vector<PartRange> plan_parts(std::uint64_t size, std::uint64_t part_bytes);

inline constexpr std::size_t kPartsAtOnce = 4;  // so many are in memory

// The object has the bytes of the file, or what it was before. An upload that fails is aborted, as far as that goes.
Status upload_file(ObjectStore& store, const std::string& path, const std::string& key, std::uint64_t part_bytes);

// The file is made anew with the bytes of the object, which must have `size` bytes; not synced.
Status download_file(ObjectStore& store, const std::string& key, std::uint64_t size, const std::string& path,
                     std::uint64_t part_bytes);

// Aborts what was left of uploads below the prefix.
Status abort_uploads(ObjectStore& store, const std::string& prefix);

}  // namespace stream
