// What editors check a manifest with.
#pragma once

#include "supervisor/stage_info.h"

namespace stream {

// Prints the JSON Schema of a whole manifest, with every stage program there is; the exit code. A program that has no
// schema may have any options, and standard error says so.
int print_manifest_schema(Catalogue& catalogue);

}  // namespace stream
