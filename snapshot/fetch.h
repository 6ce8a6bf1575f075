// Snapshot files that are kept elsewhere as well, made present in a folder.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "snapshot/restore_source.h"
#include "transport/base/files.h"

namespace stream {

// Makes the file `path` with the `size` bytes that are kept under `name`; not synced. For one thread. Errors:
// kNotFound, kCorrupt: there is no such thing; else it is out of reach for now.
using FetchFile = std::function<Status(const std::string& name, std::uint64_t size, const std::string& path)>;

// FOLDER/file.path with the size, and the SHA-256, it should have, durable. One that is there with its size is taken as
// it is, unless its content is to be looked at. What cannot be had as it should be is not there afterwards.
// `whence`: for messages. Errors: of `fetch`; damage among them.
Status make_present(Files& files, const FileRef& file, const std::string& folder, bool check_content,
                    const FetchFile& fetch, const std::string& whence);

// All files of the source, in source.folder, which has nothing else afterwards. Errors: kCorrupt for any damage.
Status make_present(Files& files, const RestoreSource& source, const FetchFile& fetch, const std::string& whence);

// Deletes the files below FOLDER/EPOCH that are none of these.
Status keep_only(Files& files, const std::string& folder, const std::vector<FileRef>& wanted);

}  // namespace stream
