// How much a savepoint takes on the disk.
#pragma once

#include <cstdint>
#include <string>

namespace stream {

// Bytes of a file, or of the files in a folder; 0 of what cannot be read.
std::uint64_t size_below(const std::string& path);

}  // namespace stream
