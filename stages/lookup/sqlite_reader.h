// A reference in an SQLite database.
#pragma once

#include "stages/lookup/reference.h"

namespace stream {

// From the types the columns were declared with. `option` gets the one at fault. Errors: kUsage.
Result<Schema> schema_of_sqlite(const Reference& reference, std::string& option);
std::unique_ptr<ReferenceReader> make_sqlite_reader(const Reference& reference, SchemaPtr schema,
                                                    std::vector<std::size_t> key);

}  // namespace stream
