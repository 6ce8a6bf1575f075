// The version of the format of checkpoints and savepoints, and how files of earlier versions are read.
//
// Every version that was ever written is read for ever: one step leads from each to the next. Steps change a private
// copy, never the file. tests/corpus keeps files of each version.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "snapshot/sqlite.h"

namespace stream {

// What kind of file is read: each has steps of its own, most of them none.
enum class FormatPart : std::uint8_t { kIndex, kState };

struct FormatStep {
  int from;  // version it begins with; it ends with the next
  // SQL that makes of the one the other; "" = the versions do not differ for that kind of file.
  std::string_view index;
  std::string_view state;
};

// One for each version but the newest, by version.
std::span<const FormatStep> format_steps();

// Opens a file of any version as one of this version. Only what has changed since is copied. Errors: kUsage for a
// later version, naming what is needed; kCorrupt for what is no snapshot.
Result<std::unique_ptr<Database>> open_versioned(const std::string& path, FormatPart part);

}  // namespace stream
