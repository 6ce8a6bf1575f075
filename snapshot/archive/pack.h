// An archive: a savepoint in one file, FILE.tar.zst, which `tar --zstd -xf` unpacks and every verb that takes a
// savepoint opens.
//
//   17/savepoint.sqlite   the index first, so that it is found without unpacking the rest
//   17/totals.0.sqlite    as in the folder
//
// Of a savepoint in a single file it holds that file.
#pragma once

#include <string>

#include "snapshot/archive/zstd_stream.h"
#include "snapshot/savepoint.h"
#include "transport/base/files.h"

namespace stream {

inline constexpr std::string_view kArchiveSuffix = ".tar.zst";

// Whether the file begins as an archive does, whatever its name.
bool is_archive(const std::string& path);

// Writes the savepoint at `path` as an archive and renames it to `target` when everything is synced. Its hashes are
// checked before. Errors: kUsage if the target exists; kCorrupt; kSystem.
Status pack_savepoint(Files& files, const std::string& path, const std::string& target);

// The same to whoever takes its bytes, a piece at a time: what is sent somewhere need not be on this disk first. `name`
// is that of the archive. Hashes are checked on the way: what was given to the sink is no archive where this fails.
// Errors: kCorrupt, kSystem, and what the sink says.
Status pack_into(Files& files, const std::string& path, const std::string& name, const ByteSink& sink);

// build_savepoint() into an archive.
Result<CheckpointIndex> build_archive(Files& files, const SavepointRequest& request);

// Unpacks the archive's files into `folder`, which is there and empty, and nowhere else; returns the path of the
// savepoint in it. Never more than what is free there. Nothing is verified but the archive itself. With `index_only`
// it stops as soon as the index is there. Errors: kUsage if it holds no savepoint, kCorrupt, kSystem.
Result<std::string> unpack_archive(const std::string& archive, const std::string& folder, bool index_only);

// Unpacks and verifies an archive and renames it to `target` when everything is synced.
Result<CheckpointIndex> unpack_savepoint(Files& files, const std::string& archive, const std::string& target);

}  // namespace stream
