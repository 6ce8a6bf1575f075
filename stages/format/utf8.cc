#include <simdjson.h>

#include "stages/format/value.h"

namespace stream::format {

bool valid_utf8(std::string_view text) { return simdjson::validate_utf8(text.data(), text.size()); }

}  // namespace stream::format
