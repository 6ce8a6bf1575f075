// The records in the body of a request.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace stream::listen {

// Of application/json one value, or the elements of an array; of anything else its lines. False, with the reason,
// if a record is longer than may be, or JSON does not end.
bool records_of(std::string_view content_type, std::string_view body, std::size_t record_max,
                std::vector<std::string>* records, std::string* why);

}  // namespace stream::listen
