// JSON Schema of a whole manifest, by which editors complete and check it.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace stream {

// Of the stage programs by name: what each prints when asked for --json-schema, of its map in a manifest. Draft 7,
// which is what editors know. It knows what can be known without planning; where a text has a parameter in it, nothing
// is known of the value. An included file, which has `fragment` or `output`, is described too.
nlohmann::ordered_json manifest_schema(const std::map<std::string, nlohmann::ordered_json>& stages);

}  // namespace stream
