#include "stages/expression/functions.h"
#include "stages/expression/json.h"
#include "stages/expression/kernel.h"

namespace stream::expression {

void add_json_functions(Functions& f) {
  using Bytes = std::string_view;
  const CallTraits slow{.cost = 60};
  for (const char* name : {"json_typeof", "jsonb_typeof"}) {
    f.add(name, "j", kVarchar, map_checked<Text, Bytes>(json_typeof), slow);
  }
  for (const char* name : {"json_array_length", "jsonb_array_length"}) {
    f.add(name, "j", kBigint, map_checked<std::int64_t, Bytes>(json_array_length), slow);
  }
  // The operators stand in the table under their own names.
  for (const bool as_text : {false, true}) {
    const Type type = as_text ? kVarchar : kJson;
    const char* arrow = as_text ? "->>" : "->";
    f.add(arrow, "jt", type, map_checked<Text, Bytes, Bytes>([as_text](Bytes json, Bytes key, Text& out) {
            return json_field(json, key, as_text, out);
          }),
          slow);
    f.add(arrow, "ji", type,
          map_checked<Text, Bytes, std::int64_t>(
              [as_text](Bytes json, std::int64_t index, Text& out) { return json_element(json, index, as_text, out); }),
          slow);
    f.add(as_text ? "#>>" : "#>", "jt", type,
          map_checked<Text, Bytes, Bytes>(
              [as_text](Bytes json, Bytes path, Text& out) { return json_path(json, path, as_text, out); }),
          slow);
  }
}

}  // namespace stream::expression
