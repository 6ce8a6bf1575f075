// A reference in a file: read as a whole, and again when the file is another.
#pragma once

#include "stages/lookup/reference.h"

namespace stream {

// From the file's beginning. Errors: kUsage.
Result<Schema> schema_of_file(const Reference& reference);
std::unique_ptr<ReferenceReader> make_file_reader(const Reference& reference, SchemaPtr schema);

}  // namespace stream
