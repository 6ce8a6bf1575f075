// What is done to savepoints that are there, and to the catalogue of their job with them. Of a job that runs its
// supervisor does it.
#pragma once

#include <string>

#include "supervisor/savepoint_catalogue.h"

namespace stream {

// Also of one whose files are gone already, or which is in no catalogue. Errors: kUsage, kFailed, kSystem.
Status remove_savepoint(const std::string& reference);

// Another label or note; its path is found from the reference. Errors: kUsage, kFailed if the label is taken.
Status mark_savepoint(const std::string& reference, SavepointMark mark);

// Makes an archive of a savepoint, or of an archive what was packed, and lists it. Returns its path: `to`, or beside
// the savepoint if that is "". What an interrupted try has made is taken for what it is. Errors: kUsage, kCorrupt,
// kSystem.
Result<std::string> copy_savepoint(const std::string& reference, const std::string& to, bool pack);

}  // namespace stream
