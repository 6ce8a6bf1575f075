// What the planner learns from the beginning of the input.
#pragma once

#include <string>

#include "stages/format/infer.h"
#include "stages/read-file/input_files.h"

namespace stream {

// Infers the schema from the first `size` bytes, decompressed, of the first file that holds any. Errors:
// kNotFound if no file is there, or all are empty.
Result<Inferred> sample_files(InputFiles& files, const std::string& path, const FormatOptions& options,
                              std::uint64_t size);

// The most bytes of a header: the names of columns, or a schema.
inline constexpr std::uint64_t kFileHeaderMax = 1 << 20;

// The first record of an open, perhaps compressed file: where a header stands. At most `size` bytes.
Result<std::string> read_beginning(InputFile& file, std::uint64_t size);

}  // namespace stream
