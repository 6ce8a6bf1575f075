// A reference in a PostgreSQL database.
#pragma once

#include "stages/lookup/reference.h"

namespace stream {

// As the server describes the columns. `option` gets the one at fault. Errors: kUsage; kSystem if it is out of reach.
Result<Schema> schema_of_postgres(const Reference& reference, std::string& option);
std::unique_ptr<ReferenceReader> make_postgres_reader(const Reference& reference, SchemaPtr schema,
                                                      std::vector<std::size_t> key);

}  // namespace stream
