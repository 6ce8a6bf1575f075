// The fields of an entry as a record of the format logfmt, which has texts under names as they have.
#pragma once

#include <string>

#include "stages/redis/connection.h"

namespace stream {

// `entry`: id and fields, as XREAD and XRANGE give it. Errors: kBadRecord, if a name cannot be a column's.
Result<std::string> fields_record(const redisReply& entry);
// The value of a field; null: there is none.
const redisReply* field_of(const redisReply& entry, std::string_view name);

}  // namespace stream
