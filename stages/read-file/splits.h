// Splits: a bounded input cut into pieces that instances read independently.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "stages/format/byte_reader.h"
#include "stages/format/options.h"
#include "stages/read-file/input_files.h"
#include "stages/read-file/position.h"

namespace stream {

// The whole input, in order of path and offset: a file a split, but uncompressed files of formats whose
// records are lines, or stand in blocks with a marker behind each, are cut every `split_size` bytes (0 = never), the
// last piece too: instances that find a growing file longer or shorter agree on every piece. Heads are taken, so that a
// file that is replaced later is noticed. Errors: kNotFound if no file is there.
Result<std::vector<Position>> enumerate_splits(InputFiles& files, const std::string& path, Format format,
                                               std::uint64_t split_size);
// Those of files that are known to be there.
Result<std::vector<Position>> cut_into_splits(InputFiles& files, const std::vector<std::string>& paths, Format format,
                                              std::uint64_t split_size);

// What stands behind the records of a file, or of Avro its blocks: a line feed, or the file's marker. Errors:
// kBadRecord for a file that is no Avro.
Result<std::string> end_mark(InputFile& file, Format format);

// Where the first record at or behind `offset` starts: `offset` itself at 0 or behind a mark, else behind the next
// mark, or the file's end.
Result<std::uint64_t> align_to_record(InputFile& file, std::uint64_t offset, std::string_view mark = "\n");

// Where reading the records that start before `end` stops: behind the last of them, or where the file ends
// now, should it end before.
Result<std::uint64_t> end_of_records(InputFile& file, std::uint64_t end, std::string_view mark = "\n");

Result<Compression> detect_compression(InputFile& file);

// The bytes of [offset, end) of an open file, as they are.
std::unique_ptr<ByteReader> range_reader(std::shared_ptr<InputFile> file, std::uint64_t offset, std::uint64_t end);

// Sets head_size, head_hash, device and inode from the file as it is now.
Status take_head(InputFile& file, Position& position);
// Whether the file begins as the position says.
Result<bool> head_matches(InputFile& file, const Position& position);

}  // namespace stream
