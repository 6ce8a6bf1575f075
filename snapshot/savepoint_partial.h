// How a savepoint comes to be under its name, and goes: as a whole or not at all. What is unfinished, or was about to
// be deleted, has a name that means nothing to anybody, beside the target.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "transport/base/files.h"

namespace stream {

inline constexpr std::string_view kSavepointIndexName = "savepoint.sqlite";

std::string folder_above(const std::string& path);
std::string last_name(const std::string& path);

Status refuse_existing(const std::string& target);  // kUsage: a savepoint replaces nothing

// `fill` makes `partial`, a file or a folder of files, syncs it, and returns its path or that of the file in it which
// is to be the target; this is then renamed. What fails leaves nothing behind, unless the machine dies: then the next
// try with the same target begins with removing it.
using FillPartial = std::function<Result<std::string>(const std::string& partial)>;
Status publish_savepoint(Files& files, const std::string& target, const FillPartial& fill);

// What is left of a try to make this one, whose maker has died. Where somebody is making or deleting a savepoint in the
// same folder nothing is removed.
Status remove_unfinished(Files& files, const std::string& target);

// The reverse: one rename, after which there is no savepoint, then the files. A second try ends what was interrupted.
Status remove_published(Files& files, const std::string& target);

// A folder of files, or a file; none is OK.
Status remove_partial(Files& files, const std::string& path);

// Where an archive's files are built before they are packed.
std::string unpacked_name(const std::string& target);

// What crashes have left in this folder: paths. A folder that does not exist has none, and one in which somebody is
// making or deleting a savepoint is left alone.
Result<std::vector<std::string>> savepoint_leftovers(Files& files, const std::string& folder);
Status remove_savepoint_leftovers(Files& files, const std::string& folder);

}  // namespace stream
